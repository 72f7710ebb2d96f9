"""What a job's code has given to MLflow and left in its output folder, in the run at the end."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.pyfunc import PythonModel
from mlflow.types.schema import ColSpec, Schema

from tests.job_output import open_recorder, write_lines
from tg.common.delivery.sagemaker import LogEvent, ResultArchive
from tg.common.delivery.sagemaker.archive import write_completion_marker, write_result_archive
from tg_mlflow.results.job_output import log_job_output
from tg_mlflow.tracking.client import TrackingClient

CHILD, LOCAL, OTHER = "c" * 32, f"m-{'a' * 32}", f"m-{'b' * 32}"

Fill = Callable[[dict[str, str]], ResultArchive]


class Doubling(PythonModel):
    """Doubles what it is given."""

    def predict(self, context: object, model_input: list[float]) -> list[float]:
        return [2 * each for each in model_input]


@pytest.fixture
def client(store: MlflowClient) -> TrackingClient:
    return TrackingClient(store.tracking_uri)


@pytest.fixture
def run_id(store: MlflowClient) -> str:
    return str(store.create_run(store.get_experiment_by_name("test").experiment_id).info.run_id)


@pytest.fixture
def archive(tmp_path: Path) -> Fill:
    folder = tmp_path / "model"
    folder.mkdir()

    def fill(files: dict[str, str]) -> ResultArchive:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        write_completion_marker(folder)
        write_result_archive(folder, tmp_path / "model.tar.gz")
        return ResultArchive.open_complete(tmp_path / "model.tar.gz")

    return fill


def record(client: TrackingClient, run_id: str, *records: dict[str, object]) -> None:
    with open_recorder(client, run_id) as recorder:
        recorder.take(LogEvent(write_lines(records), 7))


def log(client: TrackingClient, run_id: str, archive: ResultArchive) -> None:
    log_job_output(client, run_id, archive, nullcontext, nullcontext)


def artifacts_of(store: MlflowClient, run_id: str, path: str | None = None) -> list[str]:
    return [
        each
        for found in store.list_artifacts(run_id, path)
        for each in (artifacts_of(store, run_id, found.path) if found.is_dir else [found.path])
    ]


def test_artifacts_are_in_the_runs_that_have_logged_them(
    store: MlflowClient, client: TrackingClient, run_id: str, archive: Fill
) -> None:
    record(client, run_id, {"op": "run", "run": CHILD, "name": "child", "start": 5, "tags": {}})
    made = archive(
        {
            f"tg_mlflow/runs/{run_id}/plots/a.txt": "1",
            f"tg_mlflow/runs/{run_id}/b.txt": "2",
            f"tg_mlflow/runs/{CHILD}/c.txt": "3",
            "tg_output/data/deep/d.txt": "4",
        }
    )
    for _ in range(2):
        log(client, run_id, made)
        runs = store.search_runs([store.get_run(run_id).info.experiment_id], "run_name = 'child'")
        assert artifacts_of(store, run_id) == ["b.txt", "output/deep/d.txt", "plots/a.txt"]
        assert artifacts_of(store, runs[0].info.run_id) == ["c.txt"]


def test_what_is_logged_without_mlflow_is_in_the_run_and_tables_are_tables(
    store: MlflowClient, client: TrackingClient, run_id: str, archive: Fill
) -> None:
    store.log_table(run_id, {"a": [1]}, "theirs.json")
    table = '{"columns":["a"],"data":[[2]]}'
    made = archive({"tg_output/logged/files/plots/a.txt": "1", "tg_output/logged/tables/deep/ours.json": table})
    for _ in range(2):
        log(client, run_id, made)
        assert artifacts_of(store, run_id) == ["deep/ours.json", "plots/a.txt", "theirs.json"]
        assert json.loads(store.get_run(run_id).data.tags["mlflow.loggedArtifacts"]) == [
            {"path": "theirs.json", "type": "table"},
            {"path": "deep/ours.json", "type": "table"},
        ]


def test_an_archive_without_any_asks_for_nothing_but_the_run(run_id: str, store: MlflowClient, archive: Fill) -> None:
    class Counting(MlflowClient):
        searches = 0

        def search_runs(self, *arguments: object, **options: object) -> object:
            self.searches += 1
            return super().search_runs(*arguments, **options)

        def search_logged_models(self, *arguments: object, **options: object) -> object:
            self.searches += 1
            return super().search_logged_models(*arguments, **options)

    class CountingClient(TrackingClient, Counting):
        pass

    client = CountingClient(store.tracking_uri)
    log(client, run_id, archive({"other/a.txt": "1"}))
    assert (client.searches, artifacts_of(store, run_id)) == (0, [])


def test_a_model_loads_by_its_id_and_by_the_name_under_which_it_is_registered(
    store: MlflowClient, client: TrackingClient, run_id: str, archive: Fill, tmp_path: Path
) -> None:
    saved = tmp_path / "saved"
    mlflow.pyfunc.save_model(saved, python_model=Doubling(), pip_requirements=[], signature=_signature())
    description = saved / "MLmodel"
    description.write_text(
        description.read_text().replace("artifact_path: null\n", "")
        + f"artifact_path: /opt/ml/output/mlflow/store/0/models/{LOCAL}/artifacts\nmodel_id: {LOCAL}\nrun_id: {CHILD}\n"
    )
    files = {path.relative_to(saved): path for path in saved.rglob("*") if path.is_file()}
    names = {f"tg_mlflow/models/{LOCAL}/{name}": path for name, path in files.items()}
    for name, path in names.items():
        target = tmp_path / "model" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    source = f"/opt/ml/output/mlflow/store/0/models/{LOCAL}/artifacts"
    record(
        client,
        run_id,
        {"op": "run", "run": CHILD, "name": "child", "start": 5, "tags": {}},
        {"op": "model", "model": LOCAL, "run": CHILD, "name": "doubling", "tags": {}, "params": {}, "type": None},
        {"op": "outputs", "run": CHILD, "models": [[LOCAL, 0]]},
        {"op": "register", "name": "double", "source": source, "run": CHILD, "model": LOCAL, "tags": {"a": "1"}},
        {"op": "register", "name": "double", "source": f"models:/{LOCAL}", "run": None, "model": None},
        {"op": "register", "name": "kept", "source": f"/x/0/{CHILD}/artifacts/m", "run": CHILD, "model": None},
    )
    made = archive({})
    for _ in range(2):
        log(client, run_id, made)
        (model,) = store.search_logged_models([store.get_run(run_id).info.experiment_id])
        (child,) = store.search_runs([model.experiment_id], "run_name = 'child'")
        assert (str(model.status), model.source_run_id) == ("READY", child.info.run_id)
        text = Path(model.artifact_location.removeprefix("file://"), "MLmodel").read_text()
        assert f"artifact_path: {model.artifact_location}\n" in text
        assert f"model_id: {model.model_id}\n" in text
        assert f"run_id: {child.info.run_id}\n" in text
        for uri in (f"models:/{model.model_id}", "models:/double/1", "models:/double/2"):
            assert mlflow.pyfunc.load_model(uri).predict([1.5]) == [3.0]
        versions = sorted(store.search_model_versions(), key=lambda each: (each.name, int(each.version)))
        assert [(each.name, each.version, each.source) for each in versions] == [
            ("double", 1, f"models:/{model.model_id}"),
            ("double", 2, f"models:/{model.model_id}"),
            ("kept", 1, f"{child.info.artifact_uri}/m"),
        ]
        assert [each.run_id for each in versions] == [child.info.run_id] * 3
        assert not [tag for tag in store.get_run(run_id).data.tags if tag.startswith("tg.register.")]


def test_a_model_without_files_is_ready_if_the_job_has_said_so(
    store: MlflowClient, client: TrackingClient, run_id: str, archive: Fill
) -> None:
    for local_id, name in ((LOCAL, "said"), (OTHER, "not said")):
        create = {"op": "model", "model": local_id, "run": run_id, "name": name, "tags": {}, "params": {}, "type": None}
        record(client, run_id, create, {"op": "outputs", "run": run_id, "models": [[local_id, 0]]})
    record(client, run_id, {"op": "model_status", "model": LOCAL, "status": "READY"})
    log(client, run_id, archive({}))
    models = store.search_logged_models([store.get_run(run_id).info.experiment_id])
    assert {model.name: str(model.status) for model in models} == {"said": "READY", "not said": "PENDING"}


def _signature() -> mlflow.models.ModelSignature:
    return mlflow.models.ModelSignature(inputs=Schema([ColSpec("double")]))
