"""Loads models and predicts without their projects and packages; run as a program, by its path.

It imports nothing of ours. It reads requests from stdin, one line of JSON each, and answers each with one line on
stdout. A request is answered in a fork, which begins with MLflow and pandas imported and ends with everything that the
model has loaded; what it has imported of libraries that can be forked, the next one begins with. The process ends with
its input, which is when the launcher ends, in whatever way.
"""

import contextlib
import importlib
import io
import json
import math
import os
import pickle
import select
import signal
import sys
import tempfile
import time
from typing import Any

_READ_BYTES = 1 << 16
# On one machine, the same rows give the same bits, except for sums, which depend on the number of threads and on the
# memory layout in each process. These agree in all but the last few of a float's 16 or 7 digits.
_DOUBLE, _SINGLE = 1e-12, 1e-5
# Imported once, for all forks.
_NEEDED = ("mlflow.pyfunc.scoring_server", "pandas", "pyarrow", "sklearn.pipeline")
# Libraries that can be forked: they have no threads of their own, or stop them before.
_FORKED = ("joblib", "numpy", "pandas", "pyarrow", "scipy", "sklearn")


class _Hidden:
    """Hides certain top-level modules from one of this process's finders."""

    def __init__(self, finder: Any, names: "set[str]") -> None:
        self._finder = finder
        self._names = names

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname.partition(".")[0] in self._names:
            return None
        return self._finder.find_spec(fullname, path, target)


def main() -> None:
    """Answers requests until the input ends; the arguments are folders of installed libraries."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the launcher handles Ctrl-C
    sys.path += [folder for folder in sys.argv[1:] if folder not in sys.path]
    answers = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)  # a model's output is not an answer
    os.dup2(nothing, 2)
    for name in _NEEDED:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="tg-model-check-") as folder:
        os.chdir(folder)
        tempfile.tempdir = folder  # where models unpack their code; forks leave it there
        rest = b""
        while True:
            line, newline, rest = rest.partition(b"\n")
            if newline:
                answer, imported = _answer(line)
                os.write(answers, json.dumps(answer).encode() + b"\n")
                for name in imported:
                    with contextlib.suppress(Exception):  # the next fork imports it, or says what is wrong
                        importlib.import_module(name)
                continue
            read = os.read(0, _READ_BYTES)
            if not read:
                return
            rest = line + read


def _answer(request: bytes) -> "tuple[dict[str, Any], list[str]]":
    """Returns what a check has found, and which modules it has imported that others may need."""
    asked = json.loads(request)
    if not hasattr(os, "fork"):
        return _check(**asked["check"]), []
    known = set(sys.modules)
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receiver)
        os.setpgid(0, 0)
        found = _check(**asked["check"])
        _reply(sender, json.dumps([found, _list_forked(set(sys.modules) - known)]).encode() + b"\n")
    os.close(sender)
    with contextlib.suppress(OSError):  # the child has done it, or is gone
        os.setpgid(child, child)
    answer, end = b"", time.monotonic() + asked["seconds"]
    while True:
        ready, _, _ = select.select([0, receiver], [], [], max(0.0, end - time.monotonic()))
        if receiver in ready:
            read = os.read(receiver, _READ_BYTES)
            answer += read
            if read and not answer.endswith(b"\n"):  # a process that the model has started may keep the pipe open
                continue
        elif not ready:
            answer = json.dumps([_failed(f"it has not ended after {asked['seconds']:g} seconds"), []]).encode() + b"\n"
        break  # else the launcher has ended
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)  # and the processes that the model has started
    _, status = os.waitpid(child, 0)
    os.close(receiver)
    if not answer.endswith(b"\n"):
        return _failed(f"the process ended with status {os.waitstatus_to_exitcode(status)}"), []
    found, imported = json.loads(answer)
    return found, imported


def _reply(sender: int, answer: bytes) -> None:
    while answer:
        answer = answer[os.write(sender, answer) :]
    os._exit(0)  # without the exit handlers of libraries


def _list_forked(names: "set[str]") -> "list[str]":
    parts = {name: name.split(".") for name in names}
    return sorted(
        name for name, its in parts.items() if its[0] in _FORKED and not any(each.startswith("_") for each in its)
    )


def _failed(reason: str) -> "dict[str, Any]":
    return {"step": "load", "reason": reason}


def _check(folder: str, rows: "str | None", hidden: "list[str]") -> "dict[str, Any]":
    """Loads the model in ``folder`` and predicts, each in a step of its own.

    Args:
        folder: MLflow's folder of a model.
        rows: A file with a pickled dictionary: a table ``given``, the same as ``records`` in JSON unless that cannot
            be, and what is ``expected`` for it: by the method, the answer in JSON, and whether it is of 32-bit floats.
            Without, the model is only loaded.
        hidden: Top-level modules that are not to be found.

    Returns:
        Nothing if all is well; else ``step``, one of ``load``, ``frame`` and ``JSON``, ``reason``, and ``module`` where
        the reason is that there is none of this name.
    """
    step = "load"
    try:
        sys.meta_path[:] = [_Hidden(finder, set(hidden)) for finder in sys.meta_path]
        import mlflow.pyfunc

        # Its warnings about other versions than the model's take seconds to find.
        model = mlflow.pyfunc.load_model(folder, suppress_warnings=True)
        if rows is None:
            return {}
        with open(rows, "rb") as file:
            asked = pickle.load(file)
        step = "frame"
        _compare(model, asked["given"], asked["expected"])
        if asked["records"] is not None:
            step = "JSON"
            _compare(model, _read_records(model, asked["records"]), asked["expected"])
    except BaseException as error:  # noqa: BLE001 - a model may raise anything, and even exit
        module = error.name if isinstance(error, ModuleNotFoundError) else None
        try:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        except Exception:  # noqa: BLE001 - of a foreign exception
            lines = ["its message cannot be shown"]
        return {"step": step, "reason": ": ".join([type(error).__name__, *lines[-1:]]), "module": module}
    return {}


def _read_records(model: Any, records: str) -> Any:
    """Reads JSON as MLflow's server does."""
    from mlflow.pyfunc.scoring_server import infer_and_parse_data

    return infer_and_parse_data({"dataframe_records": json.loads(records)}, model.metadata.get_input_schema())


def _compare(model: Any, given: Any, expected: "dict[str, tuple[str, bool]]") -> None:
    """Compares scores as well as labels, as these may agree while those do not."""
    from mlflow.pyfunc.scoring_server import predictions_to_json

    for method, (answer, is_single) in expected.items():
        text = io.StringIO()
        other = {} if method == "predict" else {"params": {"predict_method": method}}
        predictions_to_json(model.predict(given, **other), text)
        wanted, got = json.loads(answer)["predictions"], json.loads(text.getvalue())["predictions"]
        verb = "predicts" if method == "predict" else f"answers {method} with"
        if len(got) != len(wanted):
            raise ValueError(f"it {verb} {len(got)} rows for {len(wanted)}")
        for row, (one, another) in enumerate(zip(got, wanted, strict=True)):
            if not _is_same(one, another, _SINGLE if is_single else _DOUBLE):
                raise ValueError(f"it {verb} {one} for row {row}, for which the trained model {verb} {another}")


def _is_same(one: Any, other: Any, tolerance: float) -> bool:
    """Returns whether two values are equal, floats up to the effects of a sum's order."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(
            _is_same(each, its, tolerance) for each, its in zip(one, other, strict=True)
        )
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same(one[key], other[key], tolerance) for key in one)
    if isinstance(one, float) and isinstance(other, float):
        is_close = math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance / 1000)
        return is_close or (math.isnan(one) and math.isnan(other))
    return bool(one == other)


if __name__ == "__main__":
    main()
    os._exit(0)  # the exit handlers of libraries take seconds, and are useless here
