from pathlib import Path

import pytest

from tg.common import DatasetError, DeliveryError
from tg.common.delivery.sagemaker import SagemakerOptions


def test_data_lie_below_the_projects_folder(tmp_path: Path) -> None:
    dataset = tmp_path / "datasets" / "titanic_project" / "titanic.parquet"
    dataset.parent.mkdir(parents=True)
    dataset.touch()
    options = SagemakerOptions(None, "my-bucket", "titanic_project", tmp_path / "datasets", "titanic.parquet")
    assert options.local_dataset_path == dataset


def test_a_task_may_need_no_data(tmp_path: Path) -> None:
    options = SagemakerOptions(None, None, "p", tmp_path)
    assert options.local_dataset_path is None


def test_a_missing_dataset_is_named_with_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "other.parquet").touch()
    with pytest.raises(DatasetError, match=r"'a\.parquet' is not in '.*/p' \(that folder holds 'other\.parquet'\)"):
        _ = SagemakerOptions(None, None, "p", tmp_path, "a.parquet").local_dataset_path
    with pytest.raises(DatasetError, match=r"\(there is no such folder\); prepare it, or correct dataset"):
        _ = SagemakerOptions(None, None, "q", tmp_path, "a.parquet").local_dataset_path


@pytest.mark.parametrize("name", ["", "a/b", "..", ".", "/a"])
def test_a_project_name_is_one_part_of_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(DeliveryError, match="give one name without slashes"):
        SagemakerOptions(None, None, name, tmp_path)


@pytest.mark.parametrize("dataset", ["", "/etc/passwd", "../other/a.parquet", "a/../../b"])
def test_a_dataset_does_not_lead_out_of_its_folder(tmp_path: Path, dataset: str) -> None:
    with pytest.raises(DeliveryError, match="give a path below"):
        SagemakerOptions(None, None, "p", tmp_path, dataset)
