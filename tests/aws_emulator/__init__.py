"""An emulator of AWS for tests: real HTTP, real images, real containers, and faults on demand."""

from tests.aws_emulator.call_record import Call, CallRecord
from tests.aws_emulator.emulator import AwsEmulator
from tests.aws_emulator.faults import Faults
from tests.aws_emulator.registry import Registry, RegistryMissingError
from tests.aws_emulator.training_job import TrainingJob

__all__ = ["AwsEmulator", "Call", "CallRecord", "Faults", "Registry", "RegistryMissingError", "TrainingJob"]
