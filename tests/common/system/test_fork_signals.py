"""A signal that comes to a process in the moment in which it is forked."""

import signal
import subprocess
import sys

import pytest

# Each child gets the signal long before it has taken its first own step.
SCRIPT = """
import os, signal, time
from tg.common.system.fork_signals import handle_in_forks

def say(number, frame):
    print("told", signal.Signals(number).name, flush=True)

def reset():
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

handle_in_forks(lambda: signal.getsignal(signal.SIGTERM) is say, reset)
signal.signal(signal.SIGTERM, say)
ends = []
for _ in range(20):
    child = os.fork()
    if child == 0:
        time.sleep(20)
        os._exit(7)
    os.kill(child, signal.SIGTERM)
    ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(set(ends))

os.register_at_fork(before=lambda: os.kill(os.getpid(), signal.SIGTERM))  # first of all: here it is not held back yet
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
child = os.fork()
if child == 0:
    os._exit(len(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), signal.pthread_sigmask(signal.SIG_BLOCK, ()))
"""


@pytest.mark.starts_process
def test_it_ends_a_child_that_has_not_begun_and_is_not_lost_for_the_parent() -> None:
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.splitlines() == [f"{{-{signal.SIGTERM:d}}}", "told SIGTERM", f"1 {{{signal.SIGUSR1!r}}}"]
    assert result.stderr == ""
