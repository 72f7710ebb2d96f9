from typing import Any

import pytest

from tg.common import DeliveryError
from tg.common.delivery.sagemaker import RemoteOptions, SagemakerOptions, VpcOptions


def test_the_defaults_need_nothing() -> None:
    options = SagemakerOptions("role", "bucket", "titanic", "datasets").remote
    assert (options.instance_type, options.instance_count, options.volume_gb) == ("ml.m5.large", 1, 30)
    assert (options.max_run_seconds, options.spot, options.metrics_from) == (86_400, False, "leader")


def test_lists_become_tuples() -> None:
    options = RemoteOptions(fallback_instance_types=["ml.m5.xlarge"], vpc=VpcOptions(["subnet-1"], ["sg-1"]))
    assert options.fallback_instance_types == ("ml.m5.xlarge",)
    assert options.vpc == VpcOptions(("subnet-1",), ("sg-1",))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"instance_type": "m5.large"}, "instance_type is 'm5.large'; give one such as 'ml.m5.large'"),
        (
            {"fallback_instance_types": ["m5"]},
            "instance_type is 'm5'; give one such as 'ml.m5.large'",
        ),
        ({"instance_count": 0}, "instance_count is 0; give 1 or more"),
        ({"instance_count": True}, "instance_count is True; give 1 or more"),
        ({"max_run_seconds": 2_419_201}, "max_run_seconds is 2419201; give 1 or more, at most 2419200"),
        ({"retry_attempts": 31}, "retry_attempts is 31; give 1 or more, at most 30"),
        ({"max_wait_seconds": 5}, "max_wait_seconds is 5 without spot; leave it out"),
        (
            {"spot": True, "max_wait_seconds": 5},
            "max_wait_seconds is 5, less than max_run_seconds, 86400; it is the time for waiting and running together",
        ),
        (
            {"spot": True, "keep_alive_seconds": 60},
            "keep_alive_seconds is 60 with spot; spare machines are not kept: leave one out",
        ),
        ({"checkpoints": "bucket/x"}, "checkpoints is 'bucket/x'; give true, or an address such as 's3://bucket/path'"),
        (
            {"job_name": "my_job"},
            "job_name is 'my_job'; give at most 63 letters, digits and hyphens, no hyphen first or last",
        ),
        (
            {"job_name": "a" * 64},
            f"job_name is '{'a' * 64}'; give at most 63 letters, digits and hyphens, no hyphen first or last",
        ),
        (
            {"job_name": f"a{'-' * 62}b"},
            f"job_name is 'a{'-' * 62}b'; give at most 63 letters, digits and hyphens, no hyphen first or last",
        ),
        ({"metrics_from": "none"}, "metrics_from is 'none'; give 'leader' or 'all'"),
        ({"image_uri": {"framwork": "sklearn"}}, "image_uri has 'framwork'; did you mean 'framework'?"),
        ({"image_uri": ""}, "image_uri is ''; give an image's name, of at most 255 characters"),
        (
            {"image_uri": "an/image", "image_repository": "r.example/x"},
            "image_repository is 'r.example/x' with image_uri; nothing is built then, so leave one out",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        RemoteOptions(**options)
    assert str(caught.value) == message


def test_a_vpc_needs_both() -> None:
    with pytest.raises(DeliveryError, match=r"^vpc.subnets is \(\); give a list of 1 to 16 ids$"):
        VpcOptions((), ("sg-1",))
    with pytest.raises(DeliveryError, match=r"^vpc.security_group_ids is 'sg-1'; give a list of 1 to 5 ids$"):
        VpcOptions(("subnet-1",), "sg-1")
