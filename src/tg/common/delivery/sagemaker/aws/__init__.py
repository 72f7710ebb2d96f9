"""Sessions, S3, ECR and the errors of AWS. It knows neither jobs nor SageMaker."""

from .s3_location import S3Location
from .session import AwsSession

__all__ = [
    "AwsSession",
    "S3Location",
]
