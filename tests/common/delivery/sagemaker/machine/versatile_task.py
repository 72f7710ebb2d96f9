"""A task for jobs that are started, in a module that imports little: a package has all that it imports."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment


class Task(AbstractTrainingTask):
    """Does what its name says."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what
        self.size = 1.5

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        getattr(self, self.what)(data, environment)

    def train(self, data: Any, environment: TrainingEnvironment) -> None:
        environment.output_metric("loss", self.size)
        environment.store_artifact(["runs", 0], "model", self)

    def look_around(self, data: Any, environment: TrainingEnvironment) -> None:
        environment.log(f"cwd={os.getcwd()}")
        environment.log(f"data={Path(data).read_text()}")
        environment.log(
            f"variables={sorted(name for name in os.environ if name.startswith(('AWS', 'MLFLOW', 'SEEN')))}"
        )
        environment.log(f"modules={'tests' in sys.modules or 'tests.support' in sys.modules}")

    def describe_process(self, data: Any, environment: TrainingEnvironment) -> None:
        main, own = sys.modules["__main__"], os.getpid()
        descriptors = {name: os.readlink(f"/proc/self/fd/{name}") for name in "012"}
        described = {
            "arguments": sys.argv,
            "command": Path("/proc/self/cmdline").read_bytes().rstrip(b"\0").decode().split("\0"),
            "descriptors": len(os.listdir("/proc/self/fd")),
            "flags": list(sys.flags),
            "streams": [sys.stdout.encoding, sys.stdout.errors, sys.stdout.line_buffering, sys.stdout.write_through],
            "folder": os.getcwd(),
            "input": descriptors["0"],
            "is_output_shared": descriptors["1"] == descriptors["2"],
            "is_leader": os.getsid(0) == os.getpgid(0) == own,
            "main": [main.__name__, main.__file__, type(main.__loader__).__name__, main.__spec__],
            "original_arguments": sys.orig_argv,
            "path": sys.path,
            "signals": {each.name: str(signal.getsignal(each)) for each in signal.Signals if each.name != "SIGTERM"},
            "threads": len(os.listdir("/proc/self/task")),
            "variables": dict(sorted(os.environ.items())),
            "work": [os.nice(0), os.umask(0o022)],
        }
        environment.log(f"described {json.dumps(described)}")

    def draw_numbers(self, data: Any, environment: TrainingEnvironment) -> None:
        import random

        import numpy as np

        environment.log(f"numbers={np.random.random()} {random.random()}")

    def print_much(self, data: Any, environment: TrainingEnvironment) -> None:
        for number in range(100_000):
            sys.stdout.write(f"line {number}\n")

    def say_how_nice_it_is(self, data: Any, environment: TrainingEnvironment) -> None:
        environment.log(f"niceness={os.nice(0)}")

    def wait(self, data: Any, environment: TrainingEnvironment) -> None:
        environment.log("waiting")
        signal.pause()

    def refuse_to_stop(self, data: Any, environment: TrainingEnvironment) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen(["sleep", "600"])
        environment.log(f"child {child.pid}")
        signal.pause()

    def die(self, data: Any, environment: TrainingEnvironment) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def fail(self, data: Any, environment: TrainingEnvironment) -> None:
        sys.stdout.write("the last words\n")
        raise ValueError("no luck")

    def leave_a_child(self, data: Any, environment: TrainingEnvironment) -> None:
        environment.log(f"child {subprocess.Popen(['sleep', '600']).pid}")
