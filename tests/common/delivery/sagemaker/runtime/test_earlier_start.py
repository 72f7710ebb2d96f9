"""A container that is started again begins as a new one does."""

from pathlib import Path

from tg.common.delivery.sagemaker.contract.ml_folder import MlFolder
from tg.common.delivery.sagemaker.runtime.earlier_start import forget_earlier_start


def list_files(folder: MlFolder) -> list[str]:
    return sorted(path.relative_to(folder.root).as_posix() for path in folder.root.rglob("*") if not path.is_dir())


def test_a_second_start_has_the_input_and_the_checkpoints_of_the_first_one_and_nothing_else(tmp_path: Path) -> None:
    folder = MlFolder(tmp_path / "ml")
    (folder.model / "runs").mkdir(parents=True)
    (folder.model / "from the image").touch()
    assert not forget_earlier_start(folder)
    assert list_files(folder) == ["model/from the image", "output/started"]
    for path in (folder.config, folder.checkpoints, folder.output_data, folder.mlflow):
        path.mkdir(parents=True)
        (path / "file").touch()
    for path in (folder.failure, folder.model / "completed.json", folder.model / "runs" / "a"):
        path.touch()
    (folder.model / "link").symlink_to(folder.checkpoints)
    for _ in range(2):
        assert forget_earlier_start(folder)
        assert list_files(folder) == ["checkpoints/file", "input/config/file", "output/started"]
        assert folder.model.is_dir()


def test_a_start_that_cannot_be_noted_is_one_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "output").touch()
    assert not forget_earlier_start(MlFolder(tmp_path))
