"""A place of its own for tg-mlflow: trains on another machine that is reached over plain ssh.

Nothing is installed there and no service runs there but sshd: each request brings the program that carries it out.
"""

from .executor import SshExecutor
from .options import SshOptions

__all__ = ["SshExecutor", "SshOptions"]
