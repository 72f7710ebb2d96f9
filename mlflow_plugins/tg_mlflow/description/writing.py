"""Writes a run's description, unless the run has one of somebody else's."""

import hashlib
import json
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from mlflow.entities import RunTag
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from tg.common.exception_text import describe_exception
from tg_mlflow.description.facts import RunFacts
from tg_mlflow.description.failure_trace import FailureTrace, find_failure_trace
from tg_mlflow.description.markdown import LONGEST_DESCRIPTION
from tg_mlflow.description.progress import Progress
from tg_mlflow.description.reading import complete_facts
from tg_mlflow.description.sections import SECTIONS
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.masked_requests import make_storable
from tg_mlflow.tracking.tags import DESCRIPTION_TAG

_logger = logging.getLogger("mlflow.tg_mlflow")


def write_description(
    client: TrackingClient,
    run_id: str,
    status: str | None = None,
    progress: Progress | None = None,
    output: Sequence[str] = (),
) -> None:
    """Writes the description of a run from its own data. It fails nothing.

    A description that somebody has written, changed or emptied stays as it is. What is not in the run's data is kept in
    its tag ``tg.description``, so that whoever learns more of the run can write it anew.

    Args:
        client: The tracking server's, which is waited for as long as this one has patience.
        run_id: The run of a training.
        status: The status that the run is about to get; by default the one that it has.
        progress: How far the training is, if that is known here.
        output: The last lines of its job's output, if it has failed and they are known here.
    """
    try:
        _write(client, run_id, status, progress, output)
    except Exception as error:  # noqa: BLE001 - whatever keeps a description from being written is no failure of the run
        # At the run's end, the description that was written before is not true any more.
        level = logging.DEBUG if status is None else logging.WARNING
        _logger.log(level, "Run %s is not described: %s", run_id, client.mask.mask(describe_exception(error)))


def end_described(client: TrackingClient, run_id: str, status: str) -> None:
    """Ends a run of which nothing is recorded any more.

    Raises:
        TrackingError: If the tracking server does not take it.
    """
    write_description(client, run_id, status)
    client.set_terminated(run_id, status)


def is_own_description(tags: Mapping[str, str]) -> bool:
    """Whether the description in a run's tags is as it was written here, or there is none."""
    return _Kept.read(tags).digest == _digest(tags.get(MLFLOW_RUN_NOTE, ""))


def read_progress(tags: Mapping[str, str]) -> Progress | None:
    """Returns how far a training is, by the tags of its run; ``None`` if that is not known."""
    return _Kept.read(tags).progress


def build_description(facts: RunFacts) -> str:
    """Joins the sections; those for which there is no room are left out, and so is one that cannot be made."""
    text = ""
    for section in SECTIONS:
        try:
            part = section(facts)
        except Exception as error:  # noqa: BLE001 - of a damaged tag, for example; the others say what they can
            _logger.debug("%s fails for run %s: %s", section.__name__, facts.run.info.run_id, describe_exception(error))
            continue
        if part and len(text) + len(part) + 2 <= LONGEST_DESCRIPTION:
            text += f"\n\n{part}" if text else part
    return text


@dataclass(frozen=True)
class _Kept:
    """What the tag ``tg.description`` keeps.

    Attributes:
        digest: Of the description as it was written.
        progress: How far the training was.
        trace: What explains its failure.
    """

    digest: str | None
    progress: Progress | None = None
    trace: FailureTrace | None = None

    @staticmethod
    def read(tags: Mapping[str, str]) -> "_Kept":
        """Reads it; a damaged one counts as absent."""
        with suppress(ValueError, TypeError, AttributeError):
            content = json.loads(tags[DESCRIPTION_TAG]) if DESCRIPTION_TAG in tags else {}
            progress, trace = content.get("progress"), content.get("trace")
            return _Kept(
                content.get("digest") or _digest(""),
                None if progress is None else Progress(**progress),
                None if trace is None else FailureTrace(**trace),
            )
        return _Kept(None)

    def format(self) -> str:
        """Formats it as the tag."""
        content = {name: value for name, value in asdict(self).items() if value is not None}
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _write(
    client: TrackingClient, run_id: str, status: str | None, progress: Progress | None, output: Sequence[str]
) -> None:
    run = client.get_run(run_id)
    if not is_own_description(run.data.tags):
        return
    kept = _Kept.read(run.data.tags)
    # Without secrets before special characters in them are escaped.
    if progress is not None:
        progress = replace(progress, unit=client.mask.mask(progress.unit))
    trace = find_failure_trace(client.mask.mask("\n".join(output)).split("\n"))
    progress, trace = progress or kept.progress, trace or kept.trace
    facts = RunFacts(run, status or run.info.status, time.time_ns() // 1_000_000, progress, trace)
    # As it will be stored: it is known again by its digest.
    text = client.mask.mask(build_description(complete_facts(client, facts)))
    text = make_storable(text)[:LONGEST_DESCRIPTION]
    tags = {MLFLOW_RUN_NOTE: text, DESCRIPTION_TAG: _Kept(_digest(text), progress, trace).format()}
    # Together, so that both are written or none.
    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
