"""A task for entry points that are started, in a module that imports little: a package has all that it imports."""

import contextlib
import ctypes
import io
import logging.config
import multiprocessing
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment


class Silent(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError


class Stopping:
    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


class State:
    def __init__(self, step: int) -> None:
        self.step = step


class Task(AbstractTrainingTask):
    def __init__(self, what: str = "train") -> None:
        super().__init__()
        self.what = what
        self.size = 1.5
        self.layers = [10, 5]
        self.password = ""

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        if self.what == "train":
            names = None if data is None else sorted(os.listdir(data)) if Path(data).is_dir() else Path(data).name
            environment.log(f"data={names} size={self.size!r} layers={self.layers!r}")
            environment.output_metric("loss", 0.5, step=2)
        elif self.what == "raise":
            raise ValueError("no such\nluck")
        elif self.what == "silence":
            environment.output_metric("before", 1)
            logging.config.dictConfig({"version": 1})
            logging.disable(logging.ERROR)
            environment.output_metric("disabled", 2)
            with contextlib.redirect_stdout(io.StringIO()):
                environment.output_metric("redirected", 3)
            sys.stdout.write("between\n")
            sys.stdout.flush()
            sys.stdout.close()
            environment.output_metric("closed", 4)
        elif self.what == "leave a thread":
            threading.Thread(target=threading.Event().wait, name="endless").start()
        elif self.what == "raise no text":
            raise OSError("no file \udcff.csv")
        elif self.what == "raise without words":
            raise Silent
        elif self.what == "raise a secret":
            raise ValueError(f"no login with {self.password}")
        elif self.what == "import":
            __import__("tg_test_nowhere")
        elif self.what == "exit":
            sys.exit(0)
        elif self.what == "be careless with workers":
            with multiprocessing.get_context("spawn").Pool(2) as pool:
                pool.map(abs, range(10))
        elif self.what == "fork":
            with multiprocessing.get_context("fork").Pool(2) as pool:
                environment.log(f"{pool.map(abs, [-1])} in {os.getcwd()}")
            os.write(2, b"a word on stderr\n")
            ctypes.CDLL(None).puts(b"C has the last word")
        elif self.what == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.what == "be stopped in a finalizer":
            stopping = Stopping()
            del stopping
            threading.Event().wait(30)
        elif self.what == "keep checkpoints":
            checkpoint = environment.latest_checkpoint()
            assert checkpoint is None or isinstance(checkpoint.state, State)
            step = 0 if checkpoint is None else checkpoint.state.step
            environment.output_metric("loss", 1 / (step + 1))
            environment.log("waiting")
            while not environment.is_stopping:
                time.sleep(0.01)
            environment.save_checkpoint(State(step + 1), step + 1)
            environment.log("the training goes on")
        elif self.what == "forget checkpoints":
            environment.latest_checkpoint()
            environment.log("waiting")
            threading.Event().wait()
        elif self.what == "wait":
            environment.log("waiting")
            try:
                signal.pause()
            except Exception:  # noqa: BLE001 - what a careless task does
                environment.log("a task swallowed the signal")
