"""Says what a training on SageMaker would send to AWS and what it would cost, and sends nothing."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from tg.common import DeliveryError, TgError
from tg.common.delivery.sagemaker import RemoteOptions, RemotePlan, SagemakerRemoteExecutor
from tg.common.secret_mask import SecretMask
from tg_mlflow.delivery.project_delivery import build_delivery
from tg_mlflow.errors import describe_failure
from tg_mlflow.places.config import RemoteConfig
from tg_mlflow.places.instance_price import InstancePrice, find_instance_price
from tg_mlflow.project.environment import project_environment
from tg_mlflow.project.modules import project_modules
from tg_mlflow.project.project import Project
from tg_mlflow.project.task_factory import build_task
from tg_mlflow.project.train_command import TrainCommand


def describe_dry_run(project: Project, command: TrainCommand, config: RemoteConfig, mask: SecretMask) -> str:
    """Checks all that a training checks before it starts, and writes as JSON what it would do, without secrets.

    Args:
        project: What would be trained.
        command: The factory and its arguments.
        config: How.
        mask: What is secret.

    Raises:
        TgError: If the project, its data or its configuration do not fit.
        Exception: Whatever the project's code raises, unchanged.
    """
    try:
        with project_modules(project.folder, [command.module]), project_environment(project.folder):
            executor = SagemakerRemoteExecutor(build_delivery(build_task(command), project, config))
            plan = executor.plan()
            price = find_instance_price(executor.aws, config.instance_type)
    except TgError as error:
        raise DeliveryError(mask.mask(describe_failure(error))) from error
    remote = executor.config.options.remote
    return json.dumps(_mask(_describe(plan, remote, price), mask), indent=2, ensure_ascii=False)


def _describe(plan: RemotePlan, remote: RemoteOptions, price: InstancePrice) -> dict[str, Any]:
    uploads = [{"file": name, "to": place, "bytes": size} for name, place, size in plan.uploads]
    return {
        "request": plan.request,
        "uploads": uploads,
        "push": plan.image_repository,
        "price": {
            "instance_type": remote.instance_type,
            "instance_count": remote.instance_count,
            "usd_per_instance_hour": _as_number(price.usd_per_hour),
            "usd_per_hour": _as_number(price.usd_per_hour_of(remote.instance_count)),
            "usd_at_most": _as_number(price.usd_at_most(remote.instance_count, remote.max_run_seconds)),
            "source": price.source,
        },
        "metrics_not_in_console": list(plan.left_out_metrics),
        "notes": [*plan.notes, *_note_price(remote, price)],
    }


def _note_price(remote: RemoteOptions, price: InstancePrice) -> Iterator[str]:
    if price.problem is not None:
        yield price.problem
        return
    yield f"the price is that of machines for {remote.max_run_seconds:,} seconds; disks and S3 are paid besides"
    if remote.spot:
        yield "the price is that on demand, an upper bound: spot machines cost less"
    if remote.keep_alive_seconds is not None:
        yield f"machines that wait for another job are paid besides, for {remote.keep_alive_seconds:,} seconds at most"
    if remote.fallback_instance_types:
        yield f"the machines of fallback_instance_types have other prices than {remote.instance_type}"


def _as_number(price: Decimal | None) -> float | None:
    return None if price is None else float(price)


def _mask(value: Any, mask: SecretMask) -> Any:
    """Writes a description without the secrets; numbers stay numbers."""
    if isinstance(value, str):
        return mask.mask(value)
    if isinstance(value, list):
        return [_mask(each, mask) for each in value]
    if isinstance(value, Mapping):
        named = ("HyperParameters", "Environment")  # their names are the user's
        return {name: mask.mask_named(each) if name in named else _mask(each, mask) for name, each in value.items()}
    return value
