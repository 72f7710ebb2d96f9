import json
import os
from pathlib import Path, PurePosixPath

import pytest

from tg.common import PackagingError
from tg.common.delivery.delivery.code import known_outlines
from tg.common.delivery.delivery.code.known_outlines import KnownOutlines
from tg.common.delivery.delivery.code.module_outline import outline_module
from tg.common.delivery.delivery.code.project_code import ProjectCode
from tg.common.delivery.delivery.code.project_files import collect_project_files

PATH = PurePosixPath("tasks.py")
TEXTS = [f"import a{number}.b as c\nimport_module('d')\nread_excel('e')\n" for number in range(20)]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tg-mlflow" / "outlines"


def keep(project: Path, texts: list[str]) -> None:
    known = KnownOutlines(project)
    for text in texts:
        known.find(text, PATH)
    known.keep()


def refuse(text: str, path: PurePosixPath) -> None:
    raise AssertionError(f"{text!r} is parsed again")


def test_a_text_is_parsed_once_and_comes_to_the_same(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path, TEXTS)
    monkeypatch.setattr(known_outlines, "outline_module", refuse)
    again = KnownOutlines(tmp_path)
    assert [again.find(text, PATH) for text in TEXTS] == [outline_module(text, PATH) for text in TEXTS]
    with pytest.raises(AssertionError, match="is parsed again"):
        again.find(f"{TEXTS[0]}import f\n", PATH)
    with pytest.raises(AssertionError, match="is parsed again"):
        KnownOutlines(tmp_path / "other").find(TEXTS[0], PATH)


def test_only_what_was_asked_for_last_is_kept(cache: Path, tmp_path: Path) -> None:
    keep(tmp_path, [*TEXTS, "import old\n"])
    keep(tmp_path, TEXTS)
    (file,) = cache.iterdir()
    assert len(json.loads(file.read_text())) == 20


def test_of_a_small_project_nothing_is_kept(cache: Path, tmp_path: Path) -> None:
    keep(tmp_path, TEXTS[:19])
    assert not cache.exists()


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"a": 1}'])
def test_what_is_damaged_is_made_again(cache: Path, tmp_path: Path, content: bytes) -> None:
    keep(tmp_path, TEXTS)
    (file,) = cache.iterdir()
    file.write_bytes(content)
    assert KnownOutlines(tmp_path).find(TEXTS[3], PATH) == outline_module(TEXTS[3], PATH)
    keep(tmp_path, TEXTS)
    assert len(json.loads(file.read_text())) == 20


def test_a_damaged_outline_is_made_again(cache: Path, tmp_path: Path) -> None:
    keep(tmp_path, TEXTS)
    (file,) = cache.iterdir()
    file.write_text(json.dumps({key: [[], 5, [], []] for key in json.loads(file.read_text())}))
    assert KnownOutlines(tmp_path).find(TEXTS[3], PATH) == outline_module(TEXTS[3], PATH)


def test_a_text_that_cannot_be_parsed_is_refused_each_time(cache: Path, tmp_path: Path) -> None:
    for _ in range(2):
        known = KnownOutlines(tmp_path)
        with pytest.raises(PackagingError, match=r"^tasks\.py line 1 is not valid Python: "):
            known.find("import\n", PATH)
        keep(tmp_path, TEXTS)


def test_what_has_not_changed_for_long_is_removed_where_another_project_is_kept(cache: Path, tmp_path: Path) -> None:
    keep(tmp_path / "one", TEXTS)
    (old,) = cache.iterdir()
    os.utime(old, (0, 0))
    keep(tmp_path / "two", TEXTS)
    assert not old.exists()
    assert len(list(cache.iterdir())) == 1


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    keep(tmp_path, TEXTS)


def test_a_file_changed_without_a_change_of_its_times_is_seen(cache: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    for number in range(20):
        (folder / f"part_{number}.py").write_text("import json\n")
    file = folder / "part_3.py"
    times = file.stat()
    for module in ("json", "glob"):  # two texts of one length
        file.write_text(f"import {module}\n")
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        code = ProjectCode(collect_project_files(folder, (), 1000), 1000, reserved="tg")
        assert code.add_reached(["part_3"]) == {module}
        code.leave_out_unusable()
        code.keep_outlines()
