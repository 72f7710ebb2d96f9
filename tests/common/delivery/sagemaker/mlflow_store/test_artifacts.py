from pathlib import Path

import pytest

from tg.common.delivery.sagemaker.mlflow_store.artifacts import find_owner, moving_artifacts


def write(path: Path, text: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_artifacts_of_runs_and_models_are_moved_and_empty_folders_stay(tmp_path: Path) -> None:
    store, target = tmp_path / "store", tmp_path / "model" / "tg_mlflow"
    write(store / "0" / "a1" / "artifacts" / "sub" / "notes.txt", "notes")
    write(store / "0" / "a1" / "params" / "alpha")
    (store / "0" / "b2" / "artifacts" / "empty").mkdir(parents=True)
    write(store / "0" / "models" / "m-1" / "artifacts" / "MLmodel", "flavors")
    write(store / "0" / "models" / "m-1" / "meta.yaml")
    with moving_artifacts(store, target):
        pass
    assert {path.relative_to(target).as_posix(): path.read_text() for path in target.rglob("*") if path.is_file()} == {
        "runs/a1/sub/notes.txt": "notes",
        "models/m-1/MLmodel": "flavors",
    }
    assert not (target / "runs" / "b2").exists()


def test_a_store_that_was_never_made_has_no_artifacts(tmp_path: Path) -> None:
    with moving_artifacts(tmp_path / "store", tmp_path / "target"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_those_of_a_training_that_fails_are_moved_and_its_error_is_raised(tmp_path: Path) -> None:
    write(tmp_path / "store" / "0" / "a1" / "artifacts" / "notes.txt")
    with pytest.raises(ValueError, match="no luck"), moving_artifacts(tmp_path / "store", tmp_path / "target"):
        raise ValueError("no luck")
    assert (tmp_path / "target" / "runs" / "a1" / "notes.txt").is_file()


def test_what_cannot_be_moved_does_not_hide_why_a_training_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "store" / "0" / "a1" / "artifacts" / "notes.txt")
    write(tmp_path / "target")
    with pytest.raises(ValueError, match="no luck"), moving_artifacts(tmp_path / "store", tmp_path / "target"):
        raise ValueError("no luck")
    assert "WARNING: MLflow's artifacts are not in the results: " in capsys.readouterr().out
    with pytest.raises(OSError, match="target"), moving_artifacts(tmp_path / "store", tmp_path / "target"):
        pass


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("store/0/a1/artifacts/sub/notes.txt", ("run", "a1", "sub/notes.txt")),
        ("store/0/a1/artifacts", ("run", "a1", "")),
        ("store/0/models/m-1/artifacts/MLmodel", ("model", "m-1", "MLmodel")),
        ("store/0/a1/params/alpha", None),
        ("store", None),
        ("elsewhere/0/a1/artifacts/x", None),
    ],
)
def test_whose_artifact_a_path_is(path: str, owner: tuple[str, str, str] | None) -> None:
    assert find_owner(Path("store"), Path(path)) == owner
