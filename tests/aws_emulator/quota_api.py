"""Answers Service Quotas about SageMaker: for the machines of ``faults.quotas`` that, for others the default."""

from typing import Any

from tests.aws_emulator.api_call import ApiCall
from tests.aws_emulator.faults import Faults
from tests.aws_emulator.gateway import Handler

_DEFAULTS = {"ml.m5.large": 15, "ml.c5.xlarge": 4, "ml.p3.2xlarge": 0}


class QuotaApi:
    """Serves quotas for training jobs.

    Args:
        faults: They have the quotas that are not the default.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    @property
    def handlers(self) -> dict[str, Handler]:
        """By the name of a call."""
        return {
            "servicequotas:ListServiceQuotas": lambda call: _list(call, self._faults.quotas),
            "servicequotas:ListAWSDefaultServiceQuotas": lambda call: _list(call, _DEFAULTS),
        }


def _list(call: ApiCall, quotas: dict[str, int]) -> dict[str, Any]:
    assert call.parameters["ServiceCode"] == "sagemaker"
    position = int(call.parameters.get("NextToken", "0"))
    found = [
        {"QuotaName": f"{name} for training job usage", "QuotaCode": f"L-{number:08X}", "Value": float(value)}
        for number, (name, value) in enumerate(sorted(quotas.items()))
    ]
    # A quota a page: clients must go on.
    following = {"NextToken": str(position + 1)} if position + 1 < len(found) else {}
    return {"Quotas": found[position : position + 1], **following}
