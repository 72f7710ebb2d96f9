"""The options of one training: its data, its account, its machine. Values only, checked on construction."""

from .options import SagemakerOptions
from .remote_options import RemoteOptions, VpcOptions

__all__ = ["RemoteOptions", "SagemakerOptions", "VpcOptions"]
