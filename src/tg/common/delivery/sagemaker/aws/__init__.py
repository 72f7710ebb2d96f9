"""Sessions, S3, ECR and the errors of AWS. Jobs and SageMaker stay out."""

from .s3_location import S3Location
from .session import AwsSession

__all__ = [
    "AwsSession",
    "S3Location",
]
