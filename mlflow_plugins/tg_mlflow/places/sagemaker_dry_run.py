"""Describes what a training on SageMaker would send to AWS, and what it would cost."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tg.common.delivery.sagemaker import RemoteOptions, RemotePlan
from tg_mlflow.places.instance_price import InstancePrice


def describe_plan(plan: RemotePlan, remote: RemoteOptions, price: InstancePrice) -> dict[str, Any]:
    """Describes what would be sent to AWS, and what it would cost at most."""
    uploads = [{"file": name, "to": location, "bytes": size} for name, location, size in plan.uploads]
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
