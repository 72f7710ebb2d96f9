from pathlib import Path
from typing import Any

import pytest

from tg.common import DeliveryError
from tg.common.delivery.sagemaker import RemoteOptions, SagemakerOptions
from tg.common.delivery.sagemaker.contract.cluster import Distribution
from tg.common.delivery.sagemaker.options.hosts import build_host_variables


def build(**options: Any) -> SagemakerOptions:
    return SagemakerOptions(None, None, "project", "datasets", **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hosts": 2}, "hosts is 2, and the task does not say how it trains on several machines; give distribution"),
        (
            {"remote": RemoteOptions(instance_count=3)},
            "instance_count is 3, and the task does not say how it trains on several machines; give distribution",
        ),
        ({"hosts": 0}, "hosts is 0; give 1 or more"),
        (
            {"hosts": 2, "distribution": Distribution("dask"), "network": "none"},
            "network is 'none' with hosts 2, which have a network of their own; leave it out",
        ),
        (
            {"distribution": Distribution("dask"), "remote": RemoteOptions(metrics_from="all")},
            "metrics_from is 'all' with distribution; the metrics are those of its first process: leave it out",
        ),
    ],
)
def test_what_cannot_train_together_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DeliveryError, match=message):
        build(**options)


def test_a_job_is_told_its_engine() -> None:
    assert build_host_variables(None, 1) == {}
    engine = Distribution("torchrun")
    text = '{"kind": "torchrun", "processes_per_host": 1}'
    assert build_host_variables(engine, 1) == {"TG_DISTRIBUTION": text}
    assert build_host_variables(engine, 2, Path("/jobs/1/hosts")) == {
        "TG_DISTRIBUTION": text,
        "TG_JOINED_LOG": "1",
        "TG_LOCAL_HOSTS": "/jobs/1/hosts",
    }
