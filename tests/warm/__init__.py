"""Commands in forks of a process that has imported what they need: 0.1 s where importing MLflow takes 2.5 s.

The tests of the commands themselves (``tests/integration/test_command_line.py``) and of what happens while a command
imports start real ones.
"""

from .process import WarmPopen, run

__all__ = ["WarmPopen", "run"]
