"""Many trainings in one run: planned, trained at the same time, compared, resumed and stopped.

Each training is one of the room ``training``; what compares them is in ``report``.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "Sweep": ".sweep",
    "SweepEnd": ".sweep",
    "SweepMember": ".member",
    "cancel_sweep": ".control",
    "create_job_run": ".existing_job",
    "plan_sweep": ".plan",
    "reconcile_runs": ".reconciliation",
    "record_job": ".existing_job",
    "resume_sweep": ".resume",
    "train_sweep": ".sweep",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.sweeps.control import cancel_sweep as cancel_sweep
    from tg_mlflow.sweeps.existing_job import create_job_run as create_job_run
    from tg_mlflow.sweeps.existing_job import record_job as record_job
    from tg_mlflow.sweeps.member import SweepMember as SweepMember
    from tg_mlflow.sweeps.plan import plan_sweep as plan_sweep
    from tg_mlflow.sweeps.reconciliation import reconcile_runs as reconcile_runs
    from tg_mlflow.sweeps.resume import resume_sweep as resume_sweep
    from tg_mlflow.sweeps.sweep import Sweep as Sweep
    from tg_mlflow.sweeps.sweep import SweepEnd as SweepEnd
    from tg_mlflow.sweeps.sweep import train_sweep as train_sweep
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
