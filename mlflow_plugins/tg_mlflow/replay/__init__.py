"""What a job's code gives to MLflow: records of its log become changes on the tracking server, in their order.

It is given a client and a job's output; it knows no executors and no results. What a job has made besides its
training's run is found again by tags, so that whoever takes over makes nothing twice.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "RecordStream": ".record_stream",
    "Replay": ".replay",
    "Replayer": ".replayer",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.replay.record_stream import RecordStream as RecordStream
    from tg_mlflow.replay.replay import Replay as Replay
    from tg_mlflow.replay.replayer import Replayer as Replayer
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
