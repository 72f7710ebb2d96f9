import importlib.metadata
import json
from pathlib import Path

import pytest

from tg.common import PackagingError
from tg.common.delivery.delivery import DependencyList


def test_a_list_read_from_json_will_do() -> None:
    dependencies = DependencyList("training", json.loads('["pandas==3.1.1", " scikit-learn>=1.4 "]'))
    assert dependencies.name == "training"
    assert dependencies.dependencies == ("pandas==3.1.1", "scikit-learn>=1.4")
    assert DependencyList("none", []).dependencies == ()


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ("pandas", TypeError, "dependencies is the text 'pandas'; give a list of requirements"),
        ([1], TypeError, "dependency 1 is a int; give a text such as 'pandas==3.1.1'"),
        (["-e ."], PackagingError, "dependency '-e .' of 'x' is not a requirement; give one library, such as"),
        (["a\nb"], PackagingError, r"dependency 'a\\nb' of 'x' is not a requirement"),
        ([" "], PackagingError, "dependency ' ' of 'x' is not a requirement"),
    ],
)
def test_what_is_no_list_of_requirements_is_refused(value: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        DependencyList("x", value)  # type: ignore[arg-type]


def test_a_requirements_file_is_read_with_what_it_includes(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "requirements.txt").write_text(
        "\ufeff# what we need\n"
        "pandas==3.1.1  # the newest\n"
        "\n"
        "  scikit-learn >= 1.4, \\\n"
        "    < 2\n"
        "# a comment that goes on \\\n"
        "-r more/tools.txt\n"
        "x @ https://example.org/x.whl#sha256=12\n"
        "tomli; python_version < '3.11'\n"
        "pandas==3.1.1\n"
        "last",
        encoding="utf-8",
    )
    (tmp_path / "more" / "tools.txt").write_text("--requirement=deep.txt\r\nclick\r\n")
    (tmp_path / "more" / "deep.txt").write_text("PyYAML\n")
    assert DependencyList.from_requirements("project", tmp_path / "requirements.txt").dependencies == (
        "pandas==3.1.1",
        "scikit-learn >= 1.4,      < 2",
        "PyYAML",
        "click",
        "x @ https://example.org/x.whl#sha256=12",
        "tomli; python_version < '3.11'",
        "last",
    )


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("--index-url https://example.org", "--index-url"),
        ("-i https://example.org", "-i"),
        ("-e .", "-e"),
        ("-c constraints.txt", "-c"),
        ("pandas==3.1.1 --hash=sha256:12", "--hash"),
        ("pandas==3.1.1 \\\n  --hash=sha256:12", "--hash"),
    ],
)
def test_pips_options_are_refused_with_their_line(tmp_path: Path, line: str, option: str) -> None:
    (tmp_path / "r.txt").write_text("-r s.txt\n")
    (tmp_path / "s.txt").write_text(f"click\n\n{line}\n")
    with pytest.raises(PackagingError) as caught:
        DependencyList.from_requirements("project", tmp_path / "r.txt")
    assert str(caught.value) == (
        f"{tmp_path}/s.txt line 3 has pip's option '{option}', which a list of dependencies cannot hold; "
        "leave libraries and -r lines only, and give pip's index in the options of the image's build"
    )


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("-r missing.txt")
    with pytest.raises(PackagingError, match=r"requirements file .*/missing\.txt cannot be read: No such file"):
        DependencyList.from_requirements("project", tmp_path / "r.txt")
    (tmp_path / "r.txt").write_bytes(b"# \xff")
    with pytest.raises(PackagingError, match=r"requirements file .*/r\.txt cannot be read: it is not UTF-8"):
        DependencyList.from_requirements("project", tmp_path / "r.txt")


def test_a_file_that_includes_itself_is_named(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("-r s.txt")
    (tmp_path / "s.txt").write_text("-r r.txt")
    with pytest.raises(
        PackagingError, match=r"requirements file .*/r\.txt includes itself; remove one of the -r lines"
    ):
        DependencyList.from_requirements("project", tmp_path / "r.txt")


def test_installed_versions_are_taken() -> None:
    versions = {name: importlib.metadata.version(name) for name in ("pandas", "PyYAML")}
    assert DependencyList.from_installed("here", ["PyYAML", "pandas"]).dependencies == (
        f"pandas=={versions['pandas']}",
        f"PyYAML=={versions['PyYAML']}",
    )
    with pytest.raises(PackagingError, match="'no-such-library' is not installed here, so its version is unknown"):
        DependencyList.from_installed("here", ["no-such-library"])
