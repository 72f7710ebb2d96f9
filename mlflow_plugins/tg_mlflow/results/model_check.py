"""Checks that a logged model predicts without its project and its package."""

import atexit
import contextlib
import functools
import importlib.util
import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.pyfunc.scoring_server import predictions_to_json

from tg_mlflow.results import model_check_process
from tg_mlflow.results.model_json import as_json_records

_SECONDS = 120
_STOP_SECONDS = 10
# The folders of sys.path that contain libraries; others may belong to projects.
_LIBRARIES = ("site-packages", "dist-packages")
# Variables that a server of models may lack; a model brings its own KERAS_BACKEND.
_NOT_KEPT = ("PYTHON", "MLFLOW_", "KERAS_")
# Our modules, which a server of models may lack.
_OURS = ("tg", "tg_mlflow")


@dataclass(frozen=True)
class CheckFailure:
    """The failure of a model's check.

    Attributes:
        step: ``load``, ``frame`` or ``JSON``.
        reason: Why, in one line.
        absent_library: A library that is not installed on this machine, so that the model cannot be judged.
    """

    step: str
    reason: str
    absent_library: str | None = None

    def __str__(self) -> str:
        return f"{self.step}: {self.reason}"


class ModelChecker:
    """A process that loads models and predicts: it sees installed libraries, and nothing else of this process.

    It starts on first use, in two or three seconds, and then answers in a fraction of a second. It ends with this
    process, in whatever way that ends. Checks of several threads take turns.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_asked = False

    def start(self) -> None:
        """Starts the process unless it runs, without waiting for it."""
        with self._lock:
            self._start()

    def check(
        self, folder: Path, modules: Sequence[str], rows: Path | None = None, seconds: float = _SECONDS
    ) -> CheckFailure | None:
        """Loads a model and predicts with it.

        Args:
            folder: MLflow's folder of the model.
            modules: The top-level modules of its package, which it must not need under these names.
            rows: The file from :func:`write_rows`; without it, the model is only loaded.
            seconds: How long it may take.

        Returns:
            ``None`` if the model's predictions are as expected.

        Raises:
            OSError: If the process cannot be started, or has ended.
        """
        hidden = sorted({*_OURS, *modules})
        check = {
            "folder": str(folder.absolute()),
            "rows": None if rows is None else str(rows.absolute()),
            "hidden": hidden,
        }
        answer = self._ask({"seconds": seconds, "check": check})
        if not answer:
            return None
        top = str(answer.get("module") or "").partition(".")[0]
        # A module that this process can import is not the package's; one that neither can is a library of another
        # machine.
        is_absent = top not in ("", *hidden) and importlib.util.find_spec(top) is None
        return CheckFailure(answer["step"], answer["reason"], top if is_absent else None)

    def close(self) -> None:
        """Ends the process; it can be started again."""
        with self._lock:
            self._stop()

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            process = self._start()
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                self._is_asked = True
                process.stdin.write(json.dumps(request).encode() + b"\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except BaseException:  # a late answer would be taken for that of another request
                self._stop()
                raise
            if not line:
                self._stop()
                raise OSError("the process that checks models has ended")
            answer: dict[str, Any] = json.loads(line)
            return answer

    def _start(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            libraries = [each for each in sys.path if Path(each).name in _LIBRARIES]
            kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_KEPT)}
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-B", model_check_process.__file__, *libraries],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/" if os.name == "posix" else None,
                env={**kept, "MLFLOW_DISABLE_TELEMETRY": "true"},
                start_new_session=True,
            )
            self._is_asked = False
        return self._process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):  # it has ended
            process.stdin.close()
        try:
            # A process that is still importing has nothing to clean up.
            process.wait(_STOP_SECONDS if self._is_asked else 0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@functools.cache
def find_checker() -> ModelChecker:
    """Returns this process's only checker, which ends with it."""
    checker = ModelChecker()
    atexit.register(checker.close)
    return checker


def write_rows(file: Path, given: pd.DataFrame, expected: Mapping[str, Any]) -> Path:
    """Writes the input and the expected predictions of a check.

    Args:
        file: The target file.
        given: The features, as a user would have them; they are also passed as JSON, if possible.
        expected: The trained model's predictions, by method: ``predict`` at least.
    """
    try:
        records = json.dumps(as_json_records(given))
    except TypeError:
        records = None
    answers = {method: (_as_json(answer), _has_single_precision(answer)) for method, answer in expected.items()}
    file.write_bytes(pickle.dumps({"given": given, "records": records, "expected": answers}))
    return file


def _as_json(predictions: Any) -> str:
    text = StringIO()
    predictions_to_json(predictions, text)
    return text.getvalue()


def _has_single_precision(predictions: Any) -> bool:
    """Returns whether predictions are floats of at most 32 bits, as those of XGBoost and neural networks."""
    dtypes = predictions.dtypes if isinstance(predictions, pd.DataFrame) else [np.asarray(predictions).dtype]
    return any(getattr(dtype, "kind", "") == "f" and dtype.itemsize < 8 for dtype in dtypes)
