"""Models are loaded and predict in a process that knows neither their project nor their package."""

import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow.models import Model, ModelSignature

from tests.launcher import wait_until
from tests.processes import is_alive
from tg_mlflow.results import model_check_process
from tg_mlflow.results.model_check import ModelChecker, write_rows
from tg_mlflow.results.model_example import PARAMS

pytestmark = pytest.mark.starts_process

GIVEN = pd.DataFrame({"x": [0.1, 1 / 3, None], "day": pd.to_datetime(["2024-05-01", None, "2024-05-03"])})
PREDICTIONS = np.array([0.2, 2 / 3, np.nan])

DOUBLING = """
    class Model:
        def predict(self, data):
            print("this is no answer", flush=True)
            return (data["x"] * 2).to_numpy()


    def _load_pyfunc(path):
        return Model()
"""


@pytest.fixture(scope="module")
def checker() -> Iterator[ModelChecker]:
    checker = ModelChecker()
    yield checker
    checker.close()


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "rows", GIVEN, {"predict": PREDICTIONS})


def save(folder: Path, source: str) -> Path:
    """Writes a model whose loader is ``source``."""
    code = folder / "model" / "code"
    code.mkdir(parents=True)
    (code / "doubling_loader.py").write_text(textwrap.dedent(source))
    flavor = {"loader_module": "doubling_loader", "code": "code"}
    Model(flavors={"python_function": flavor}).save(str(folder / "model" / "MLmodel"))
    return folder / "model"


def test_a_model_that_predicts_the_same_passes(checker: ModelChecker, rows: Path, tmp_path: Path) -> None:
    model = save(tmp_path, DOUBLING)
    before = sorted(tmp_path.rglob("*"))
    assert checker.check(model, [], rows) is None
    assert checker.check(model, []) is None
    assert sorted(tmp_path.rglob("*")) == before


FAILURES: dict[str, tuple[str, str]] = {
    "import churn_of_a_project": ("load", "ModuleNotFoundError: No module named 'churn_of_a_project'"),
    "import tg.common": ("load", "ModuleNotFoundError: No module named 'tg'"),
    "raise ValueError('first\\nlast')": ("load", "ValueError: last"),
    "raise SystemExit(3)": ("load", "SystemExit: 3"),
    "import os, signal; os.kill(os.getpid(), signal.SIGKILL)": ("load", "the process ended with status -9"),
    "open('data/levels.csv')": ("load", "FileNotFoundError: [Errno 2] No such file or directory: 'data/levels.csv'"),
    "__import__('churn_' + 'of_a_project')": ("load", "ModuleNotFoundError: No module named 'churn_of_a_project'"),
    "import os; os.environ['LEVELS_OF_CHURN']": ("load", "KeyError: 'LEVELS_OF_CHURN'"),
    "import os; os._exit(0)": ("load", "the process ended with status 0"),
    "Model.predict = lambda self, data: [0.2]": ("frame", "ValueError: it predicts 1 rows for 3"),
    "Model.predict = lambda self, data: [0.2, 0.5, float('nan')]": (
        "frame",
        "ValueError: it predicts 0.5 for row 1, for which the trained model predicts 0.6666666666666666",
    ),
    "Model.predict = lambda self, data: list(data['day'].dt.day * 0 + data['x'] * 2)": (
        "frame",
        "ValueError: it predicts nan for row 1, for which the trained model predicts 0.6666666666666666",
    ),
    "old = Model.predict; Model.predict = lambda self, data: data['day'].dt.day.sum() and old(self, data)": (
        "JSON",
        "AttributeError: Can only use .dt accessor with datetimelike values",
    ),
}


@pytest.mark.parametrize("line", FAILURES)
def test_what_fails_is_named(line: str, checker: ModelChecker, rows: Path, tmp_path: Path) -> None:
    found = checker.check(save(tmp_path, f"{textwrap.dedent(DOUBLING)}\n{line}\n"), ["churn_of_a_project"], rows)
    assert found is not None
    step, reason = FAILURES[line]
    assert (found.step, found.reason.partition(". Did you mean")[0]) == (step, reason)
    assert found.absent_library is None


@pytest.mark.parametrize(
    ("scores", "found", "is_same"),
    [
        ([0.1, 0.3], [0.1, 0.1 + 0.2], True),
        ([0.1, 0.3], [0.1, 0.3 + 1e-9], False),
        (np.array([0.1, 0.3], dtype=np.float32), [0.1, 0.3 + 1e-7], True),
        (np.array([0.1, 0.3], dtype=np.float32), [0.1, 0.3 + 1e-4], False),
        ([0.1, float("nan")], [0.1, float("nan")], True),
    ],
)
def test_scores_are_compared_where_labels_are_equal(
    scores: Any, found: list[float], is_same: bool, checker: ModelChecker, tmp_path: Path
) -> None:
    source = f"""
        nan = float("nan")

        class Model:
            def predict(self, data, params=None):
                return {found!r} if params["predict_method"] == "predict_proba" else ["no", "yes"]

        def _load_pyfunc(path):
            return Model()
    """
    model = save(tmp_path, source)
    description = Model.load(str(model / "MLmodel"))
    description.signature = ModelSignature(params=PARAMS)
    description.save(str(model / "MLmodel"))
    expected = {"predict": np.array(["no", "yes"]), "predict_proba": np.asarray(scores)}
    failure = checker.check(model, [], write_rows(tmp_path / "rows", GIVEN.head(2), expected))
    assert (failure is None) == is_same, failure
    if failure is not None:
        assert failure.reason.startswith("ValueError: it answers predict_proba with 0.3")


def test_what_a_model_prints_is_no_answer_however_much_it_is(checker: ModelChecker, rows: Path, tmp_path: Path) -> None:
    assert checker.check(save(tmp_path, f"{textwrap.dedent(DOUBLING)}\nprint('{{}}' * 1_000_000)\n"), [], rows) is None


def test_a_model_that_takes_too_long_is_given_up(checker: ModelChecker, tmp_path: Path) -> None:
    found = checker.check(save(tmp_path, "import time; time.sleep(600)"), [], seconds=0.2)
    assert str(found) == "load: it has not ended after 0.2 seconds"


def test_a_library_that_is_not_here_says_nothing_of_the_model(checker: ModelChecker, tmp_path: Path) -> None:
    found = checker.check(save(tmp_path, "import boosting_of_another_place.core"), ["tasks"])
    assert found is not None
    assert found.absent_library == "boosting_of_another_place"


LAUNCHER = """
    import sys, time
    from pathlib import Path
    from tg_mlflow.results.model_check import ModelChecker

    checker = ModelChecker()
    checker.check(Path("nothing"), [])
    print(checker._process.pid, flush=True)
    if sys.argv[1] == "sleep":
        checker.check(Path(sys.argv[2]), [])
"""


def test_no_process_is_left_when_the_launcher_is_killed(tmp_path: Path) -> None:
    model = save(tmp_path, f"open({str(tmp_path / 'started')!r}, 'w').close(); import time; time.sleep(600)")
    launcher = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(LAUNCHER), "sleep", str(model)], stdout=subprocess.PIPE, text=True
    )
    assert launcher.stdout is not None
    pid = int(launcher.stdout.readline())
    wait_until((tmp_path / "started").exists)
    launcher.send_signal(signal.SIGKILL)
    launcher.wait()
    launcher.stdout.close()
    wait_until(lambda: not is_alive(pid))
    assert not [each for each in Path("/proc").glob("[0-9]*/cmdline") if holds(each, str(model))]


def test_checks_of_several_threads_get_their_own_answers(checker: ModelChecker, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    models = [save(tmp_path / str(number), f"raise ValueError({number})") for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda model: checker.check(model, []), models))
    assert [str(each) for each in found] == [f"load: ValueError: {number}" for number in range(4)]


def holds(file: Path, text: str) -> bool:
    try:
        return text in file.read_text()
    except OSError:
        return False


def test_a_check_leaves_the_next_one_what_can_be_forked() -> None:
    imported = {"sklearn.ensemble", "sklearn.ensemble._gb", "pandas.io.sql", "torch", "mlflow.sklearn", "Package__0.tg"}
    assert model_check_process._list_forked(imported) == ["pandas.io.sql", "sklearn.ensemble"]
