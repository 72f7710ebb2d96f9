"""Looks up how many machines of a type an account may use at once.

Source: Service Quotas, ListServiceQuotas and ListAWSDefaultServiceQuotas; the former lacks quotas that nobody has
changed.
"""

from dataclasses import dataclass

from tg.common.delivery.sagemaker.aws.session import AwsSession

_OPERATIONS = ("list_service_quotas", "list_aws_default_service_quotas")
_PAGE = 100


@dataclass(frozen=True)
class InstanceQuota:
    """A quota.

    Attributes:
        code: Its id, such as ``L-611FA074``.
        value: How many machines may be in use.
    """

    code: str
    value: float


def find_quota(aws: AwsSession, name: str) -> InstanceQuota | None:
    """Finds a quota of SageMaker by its name; ``None`` if there is none.

    Raises:
        botocore.exceptions.ClientError: If AWS does not tell; for the caller to translate.
    """
    for operation in _OPERATIONS:
        pages = aws.client("service-quotas").get_paginator(operation)
        for page in pages.paginate(ServiceCode="sagemaker", PaginationConfig={"PageSize": _PAGE}):
            for quota in page["Quotas"]:
                if quota["QuotaName"] == name:
                    return InstanceQuota(quota["QuotaCode"], float(quota["Value"]))
    return None
