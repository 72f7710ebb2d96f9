"""The backends that need nothing, through ``mlflow.projects.run``, on a real store."""

import hashlib
import importlib.metadata
import json
import multiprocessing
import os
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import ExecutionException

from tests.support import ProjectFolder, all_runs, make_points
from tg.common import TgError
from tg.common.delivery.delivery import collect_project_files
from tg.common.delivery.sagemaker import ResultArchive
from tg_mlflow.backend import project_backend
from tg_mlflow.errors import TrackingError
from tg_mlflow.notebook.notebook_run import NotebookRun
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.training.end import TrainingEnd

pytestmark = pytest.mark.usefixtures("jobs")


PLACES = ["attached", "process"]
each_place = pytest.mark.parametrize("place", ["attached", pytest.param("process", marks=pytest.mark.starts_process)])


def train(project: ProjectFolder, place: str = "attached", **options: Any) -> Any:
    return mlflow.projects.run(str(project.path), backend=f"tg-{place}", **options)


NAMED = """
import tasks

def build_task():
    task = tasks.build_task()
    task.info["name"] = NAME
    return task
"""


def only_run(client: MlflowClient) -> Run:
    (run,) = all_runs(client)
    return run


@each_place
def test_a_run_has_params_metrics_tags_and_artifacts(
    project: ProjectFolder, store: MlflowClient, place: str, jobs: Path, tmp_path: Path
) -> None:
    submitted = train(project, place, parameters={"C": "0.50"}, run_name="half")
    run = store.get_run(submitted.run_id)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "half")
    assert submitted.get_status() == "FINISHED"
    assert run.data.params == {"max_iter": "100", "C": "0.50"}
    assert set(run.data.metrics) == {"roc_auc_score_test", "roc_auc_score_train"}
    assert run.data.metrics["roc_auc_score_train"] == pytest.approx(0.77, abs=0.1)
    tags = run.data.tags
    assert tags["mlflow.project.backend"] == f"tg-{place}"
    assert tags["mlflow.project.entryPoint"] == "main"
    assert tags["mlflow.source.type"] == "PROJECT"
    assert tags["mlflow.source.name"] == str(project.path)
    assert tags["tg.place"] == f"tg-{place}"
    datasets = project.path / "datasets"
    assert json.loads(tags["tg.state"]) == {
        "config": {"dataset": "points.parquet", "log": {"figures": False, "check_model": False}},  # of tg.json
        "parameters": ["max_iter", "C"],
        "dataset": str(datasets / "points" / "points.parquet"),
        "project_name": "points",
        "datasets_folder": str(datasets),
        "resource": "job",
    }
    assert not {"tg.config", "tg.parameters", "tg.delivery", "tg.log", "tg.dataset"} & set(tags)
    root = f"runs:/{run.info.run_id}"
    log = mlflow.artifacts.load_text(f"{root}/logs/train.log")
    lines = [line.partition(" INFO: ")[2] for line in log.splitlines()]
    expected = [
        "Starting stage 1/1",
        "Completed stage 1/1",
        f"###METRIC###roc_auc_score_test:{run.data.metrics['roc_auc_score_test']!r}###",
        f"###METRIC###roc_auc_score_train:{run.data.metrics['roc_auc_score_train']!r}###",
    ]
    assert [line for line in lines if line.startswith(("Starting stage", "Completed", "###"))] == expected
    archive = mlflow.artifacts.download_artifacts(f"{root}/result/model.tar.gz", dst_path=str(tmp_path / "result"))
    with ResultArchive(Path(archive)) as result:
        assert set(result.list()) >= {"package.tag.gz", "task.json", "runs/0/model.pkl", "completed.json"}
        assert result.unpickle("runs/0/metrics.pkl") == run.data.metrics
    (package,) = store.list_artifacts(run.info.run_id, "package")
    assert package.path == f"package/SingleFrameTrainingTask-{collect_project_files(project.path).digest()[:8]}.tar.gz"
    content = Path(mlflow.artifacts.download_artifacts(f"{root}/{package.path}", dst_path=str(tmp_path / "package")))
    assert tags["tg.package_sha256"] == hashlib.sha256(content.read_bytes()).hexdigest()
    assert "SingleFrameTrainingTask" in mlflow.artifacts.load_text(f"{root}/task.json")
    assert list(jobs.iterdir()) == []


@pytest.mark.starts_process
def test_the_places_give_the_same_metrics_to_the_last_digit(project: ProjectFolder, store: MlflowClient) -> None:
    first, second = (store.get_run(train(project, place).run_id).data.metrics for place in PLACES)
    assert first == second


@each_place
def test_folds_have_steps_and_the_mean_has_the_plain_name(
    project: ProjectFolder, store: MlflowClient, place: str
) -> None:
    project.write(
        "MLproject",
        """
        name: points
        entry_points:
          main:
            command: "tg-mlflow train tasks:build_task splits=3"
        """,
    )
    run_id = train(project, place).run_id
    folds = store.get_metric_history(run_id, "fold_roc_auc_score_test")
    assert [point.step for point in folds] == [0, 1, 2]
    mean = store.get_run(run_id).data.metrics["roc_auc_score_test"]
    assert mean == pytest.approx(np.mean([point.value for point in folds]), abs=1e-15)


@pytest.mark.parametrize("value", ["a b", "it's", '"', "$(touch hacked)", "{x}", "=", "ü"])
def test_params_are_logged_and_delivered_as_the_user_wrote_them(
    project: ProjectFolder, store: MlflowClient, value: str
) -> None:
    project.write(
        "MLproject",
        """
        name: points
        entry_points:
          main:
            parameters: {text: string}
            command: "tg-mlflow train named:build_task text={text}"
        """,
    )
    project.write(
        "named.py",
        """
        import tasks

        def build_task(text):
            task = tasks.build_task()
            task.info["name"] = text
            return task
        """,
    )
    run = store.get_run(train(project, parameters={"text": value}).run_id)
    assert run.data.params == {"text": value}
    assert run.info.run_name == value


@pytest.mark.starts_process
def test_git_tags_are_those_of_mlflows_own_backends(
    project: ProjectFolder, store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import git

    repository = git.Repo.init(tmp_path)
    repository.create_remote("origin", "https://name:secret@example.com/points.git")
    repository.index.add([str(project.path / name) for name in ("MLproject", "tasks.py", "tg.json")])
    author = git.Actor("test", "test@example.com")
    commit = repository.index.commit("start", author=author, committer=author).hexsha
    assert store.get_run(train(project).run_id).data.tags["tg.git_dirty"] == "false"
    project.write("local.py", "pass")
    ours = store.get_run(train(project).run_id).data.tags
    assert (ours["tg.git_dirty"], ours["tg.version"]) == ("true", importlib.metadata.version("tg-mlflow"))
    project.write("MLproject", "name: points\nentry_points: {main: {command: 'true'}}")
    theirs = store.get_run(
        mlflow.projects.run(str(project.path), backend="local", env_manager="local").run_id
    ).data.tags
    names = ["mlflow.source.git.commit", "mlflow.source.name", "mlflow.source.git.repoURL", "mlflow.gitRepoURL"]
    assert ours["mlflow.source.git.commit"] == commit
    assert {name: ours.get(name) for name in names} == {name: theirs.get(name) for name in names}
    assert "secret" not in str(ours)
    assert {name for name in theirs if name.startswith("mlflow.")} - set(ours) <= {"mlflow.project.env"}


def test_a_run_inside_a_run_is_its_child(project: ProjectFolder, store: MlflowClient) -> None:
    with mlflow.start_run() as parent:
        child = train(project).run_id
    assert store.get_run(child).data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_an_edited_project_and_another_of_the_same_shape_do_not_mix(
    project: ProjectFolder, store: MlflowClient, tmp_path: Path
) -> None:
    other = ProjectFolder(tmp_path / "other")
    source = (project.path / "tasks.py").read_text(encoding="utf-8")
    for folder, name in ((project, "first"), (other, "other"), (project, "second")):
        folder.write("tasks.py", f"{source}\n\nNAME = {name!r}\n")
        folder.write("named.py", NAMED.replace("NAME", "tasks.NAME"))
        assert store.get_run(train(folder, entry_point="named").run_id).info.run_name == name


@each_place
def test_the_config_sets_hyperparameters_tags_and_the_dataset(
    project: ProjectFolder, store: MlflowClient, place: str
) -> None:
    project.write_dataset(make_points(40), "small.parquet")
    config = {
        "dataset": "small.parquet",
        "hyperparameters": {"model_provider.constructor.kwargs.C": "0.001"},
        "tags": {"team": "blue"},
    }
    run = store.get_run(train(project, place, backend_config=dict(config)).run_id)  # MLflow adds keys of its own
    assert run.data.params["model_provider.constructor.kwargs.C"] == "0.001"
    assert run.data.tags["team"] == "blue"
    state = json.loads(run.data.tags["tg.state"])
    assert state["dataset"].endswith("small.parquet")
    assert state["config"] == {
        **config,
        "log": {"check_model": False, "figures": False},
    }  # of tg.json, too


def test_variables_of_the_project_are_set_while_it_runs(
    project: ProjectFolder, store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALREADY", "from outside")
    project.write("environment.env", "AWS_ROLE=a-role\nALREADY=from the file\n")
    project.write(
        "reading.py",
        """
        import os
        import tasks

        def build_task():
            task = tasks.build_task()
            task.info["name"] = os.environ["AWS_ROLE"] + "/" + os.environ["ALREADY"]
            return task
        """,
    )
    project.write("MLproject", "name: points\nentry_points: {main: {command: 'tg-mlflow train reading:build_task'}}")
    assert store.get_run(train(project).run_id).info.run_name == "a-role/from outside"
    assert "AWS_ROLE" not in os.environ


def with_label(**changes: Any) -> pd.DataFrame:
    return make_points().assign(**changes)


def no_data(project: ProjectFolder) -> None:
    (project.path / "datasets" / "points" / "points.parquet").unlink()


def not_parquet(project: ProjectFolder) -> None:
    (project.path / "datasets" / "points" / "points.parquet").write_text("x,y,label\n1,2,0\n")


def broken_label(project: ProjectFolder) -> None:
    label = make_points()["label"].astype(float)
    label.iloc[[3, 5]] = np.nan
    project.write_dataset(with_label(label=label))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (no_data, "dataset 'points.parquet' is not in"),
        (not_parquet, "cannot be read as parquet"),
        (lambda p: p.write_dataset(make_points().iloc[:0]), "has 0 rows and 3 columns"),
        (lambda p: p.write_dataset(make_points().drop(columns="label")), "label column 'label' is not in the data"),
        (lambda p: p.write_dataset(with_label(label=1)), "label column 'label' has the same value, 1, in all"),
        (broken_label, "label column 'label' has no finite value in 2 of 60 rows, the first at index 3"),
        (lambda p: p.write("tg.json", "{}"), "needs a dataset"),
        (lambda p: p.write("tasks.py", "x = 1"), "factory 'build_task' is not in module 'tasks'"),
        (lambda p: p.write("tasks.py", "build_task = 1"), "factory tasks:build_task is 1 of type int, which cannot be"),
        (lambda p: p.write("tasks.py", "def build_task(max_iter, C): ..."), "returned None of type NoneType"),
        (lambda p: p.write("tasks.py", "def build_task(C): ..."), "argument 'max_iter' is unknown"),
        (lambda p: p.write("tasks.py", "def build_task(max_iter: bool, C): ..."), "is '100', not of type bool"),
        (lambda p: p.write("tasks.py", "import no_such_library"), "ModuleNotFoundError: No module named 'no_such_lib"),
        (lambda p: p.write("tasks.py", "def f(:"), "SyntaxError"),
        (lambda p: p.write("tasks.py", "raise SystemExit(0)"), "SystemExit: 0"),
        (lambda p: p.write("tg.json", '{"hyperparameters": {"splitter.tst_size": 1}}'), "did you mean 'test_size'?"),
    ],
)
@each_place
def test_a_training_that_cannot_be_done_is_a_failed_run_with_its_reason(
    project: ProjectFolder, store: MlflowClient, change: Any, message: str, place: str, jobs: Path
) -> None:
    change(project)
    with pytest.raises(ExecutionException) as caught:
        train(project, place)
    run = only_run(store)
    assert run.info.status == "FAILED"
    assert message in run.data.tags["tg.failure_reason"]
    first, *tail = str(caught.value).split("\n")
    assert first == f"Run {run.info.run_id} FAILED: {run.data.tags['tg.failure_reason']}"
    # Where the training itself has refused its input, somewhere else, the end of its log follows.
    assert all(line.startswith("  | ") for line in tail)
    assert len(tail) <= (0 if place == "attached" else 50)
    assert not jobs.exists() or list(jobs.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "change", "message"),
    [
        ({"parameters": {"max_itr": 5}}, None, "parameter 'max_itr' is unknown to entry point 'main'"),
        ({"parameters": {"C": "much"}}, None, "parameter 'C' is 'much', not the float that the MLproject declares"),
        ({"entry_point": "mian"}, None, "the MLproject has no entry point 'mian'; did you mean 'main'?"),
        ({"backend_config": {"memory": "4g"}}, None, "has the key 'memory', which is for tg-local; remove it"),
        ({"backend_config": {"datset": "x"}}, None, "the unknown key 'datset'; did you mean 'dataset'?"),
        ({}, lambda p: (p.path / "MLproject").unlink(), "there is no MLproject in"),
        (
            {},
            lambda p: p.write("MLproject", "entry_points: {main: {command: 'x {x}.py'}}"),
            "no parameter fills: 'x'",
        ),
        ({"backend_config": {"metric_regexes": {"x": "x"}}}, None, "has 'x' for 'x', which has no group"),
        (
            {},
            lambda p: p.write("MLproject", "entry_points: {main: {parameters: {a: float}, command: x}}"),
            "lacks values for 'a'",
        ),
    ],
)
def test_what_cannot_start_makes_no_run(
    project: ProjectFolder, store: MlflowClient, options: dict[str, Any], change: Any, message: str
) -> None:
    if change is not None:
        change(project)
    with pytest.raises(ExecutionException) as caught:
        train(project, **options)
    assert message in str(caught.value)
    assert all_runs(store) == []


@each_place
def test_a_worker_that_imports_the_program_makes_no_run(
    project: ProjectFolder, store: MlflowClient, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    with pytest.raises(ExecutionException, match="a worker process of a training must not start the training again"):
        train(project, place)
    with pytest.raises(TgError, match="a worker process of a training must not start the training again"):
        NotebookRun.read(f"tg-{place}", project.path, {})
    assert all_runs(store) == []


def test_an_interrupt_kills_the_run(project: ProjectFolder, store: MlflowClient) -> None:
    project.write("tasks.py", "def build_task(max_iter, C): raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        train(project)
    assert only_run(store).info.status == "KILLED"


def test_without_waiting_the_failure_is_in_what_is_returned(project: ProjectFolder, store: MlflowClient) -> None:
    no_data(project)
    submitted = train(project, synchronous=False)
    assert (submitted.wait(), submitted.get_status()) == (False, "FAILED")
    assert store.get_run(submitted.run_id).info.status == "FAILED"


def test_the_run_to_go_on_from_is_found_before_there_is_a_new_one(
    project: ProjectFolder, store: MlflowClient, jobs: Path
) -> None:
    def resume(given: str) -> str:
        with pytest.raises(ExecutionException) as caught:
            mlflow.projects.run(str(project.path), backend="tg-process", backend_config={"resume_from": given})
        return str(caught.value)

    assert resume("last").startswith("there is no run of tg-mlflow in ")
    tags = {"tg.version": "1", "tg.place": "tg-process", "tg.job_id": "gone", "tg.state": "{}"}
    run_id = store.create_run("0", tags=tags).info.run_id
    store.set_terminated(run_id, "FAILED")
    told = f"run {run_id!r} has left no checkpoints here: its training has saved none, or they were pruned, or "
    assert [resume(given).partition("its job was")[0] for given in ("last", run_id[:8], run_id)] == [told] * 3
    assert len(all_runs(store)) == 1


def test_a_job_that_goes_on_by_itself_is_not_waited_for(project: ProjectFolder, store: MlflowClient) -> None:
    with pytest.raises(ExecutionException, match=r"^detach is for trainings that nobody waits for"):
        mlflow.projects.run(str(project.path), backend="tg-process", backend_config={"detach": True})
    assert all_runs(store) == []


def test_a_server_that_is_gone_after_the_runs_end_is_told_in_one_line(
    project: ProjectFolder, store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(client: TrackingClient, run_id: str, end: TrainingEnd) -> None:
        raise TrackingError("http://user:swordfish@host is away")

    monkeypatch.setattr(project_backend, "announce_end", give_up)
    with pytest.raises(ExecutionException) as caught:
        train(project)
    run_id = only_run(store).info.run_id
    assert str(caught.value) == (
        f"the tracking server does not say how run {run_id} has ended (http://user:***@host is away); when it is back, "
        f"run `tg-mlflow status {run_id}`"
    )
