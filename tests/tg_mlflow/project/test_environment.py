import os
from pathlib import Path

import pytest

from tg_mlflow.errors import ProjectError
from tg_mlflow.project.environment import project_environment, read_environment


def test_variables_are_set_while_the_project_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "environment.env").write_text("TG_TEST_NEW=from the file\nTG_TEST_OLD=from the file\n")
    monkeypatch.delenv("TG_TEST_NEW", raising=False)
    monkeypatch.setenv("TG_TEST_OLD", "from outside")
    with project_environment(tmp_path):
        assert (os.environ["TG_TEST_NEW"], os.environ["TG_TEST_OLD"]) == ("from the file", "from outside")
    assert "TG_TEST_NEW" not in os.environ
    assert os.environ["TG_TEST_OLD"] == "from outside"


def test_variables_are_unset_after_an_error_and_may_be_unset_by_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "environment.env").write_text("TG_TEST_ONE=1\nTG_TEST_TWO=2\n")
    monkeypatch.delenv("TG_TEST_ONE", raising=False)
    monkeypatch.delenv("TG_TEST_TWO", raising=False)

    def fail() -> None:
        with project_environment(tmp_path):
            del os.environ["TG_TEST_ONE"]
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not {"TG_TEST_ONE", "TG_TEST_TWO"} & set(os.environ)


def test_what_a_file_says(tmp_path: Path) -> None:
    (tmp_path / "environment.env").write_text("# comment\nexport A='a b'\nB=\nC\nD=\"x\\ny\"\n")
    assert read_environment(tmp_path) == {"A": "a b", "B": "", "D": "x\ny"}


def test_no_file_sets_nothing(tmp_path: Path) -> None:
    assert read_environment(tmp_path) == {}


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "environment.env").write_bytes(b"A=\xff\xfe\n")
    with pytest.raises(ProjectError, match=r"environment\.env cannot be read: 'utf-8' codec can't decode byte 0xff"):
        read_environment(tmp_path)
