from pathlib import Path

import pytest

from tests.text_file import write_text
from tg_mlflow.errors import ProjectError
from tg_mlflow.project.environments.requirement_lines import RequirementLines, is_installer, parse_requirements


def read(folder: Path, text: str) -> RequirementLines:
    return parse_requirements(["-r requirements.txt"], write_text(folder / "requirements.txt", text))


@pytest.mark.parametrize(
    ("line", "requirement"),
    [
        ("pandas==2.2.3  # tables", "pandas==2.2.3"),
        ("pandas == 2.2.3", "pandas == 2.2.3"),
        ("scikit_learn>=1.2,<2; python_version < '3.13'", "scikit_learn>=1.2,<2; python_version < '3.13'"),
        ("pandas[excel]", "pandas[excel]"),
        ("pandas==2.2.3 --hash=sha256:0123 --hash=sha256:4567", "pandas==2.2.3"),
        ("pandas==2.2.3 \\\n    --hash=sha256:0123", "pandas==2.2.3"),
        ("torch==1.9.0+cu111", "torch==1.9.0+cu111"),
        ("-e git+https://github.com/ann/tools.git@v1#egg=tools", "tools @ git+https://github.com/ann/tools.git@v1"),
        ("git+ssh://git@github.com/ann/tools.git#egg=tools[s3]", "tools[s3] @ git+ssh://git@github.com/ann/tools.git"),
        ("git+https://github.com/ann/tools.git", "git+https://github.com/ann/tools.git"),
        ("https://host/my_tool-1.0-py3-none-any.whl", "my-tool @ https://host/my_tool-1.0-py3-none-any.whl"),
        ("tools @ https://host/tools-1.0.tar.gz", "tools @ https://host/tools-1.0.tar.gz"),
        ("tools @ git+https://${TOKEN}@host/tools.git", "tools @ git+https://${TOKEN}@host/tools.git"),
    ],
)
def test_a_requirement_is_kept_as_pip_reads_it(tmp_path: Path, line: str, requirement: str) -> None:
    assert read(tmp_path, f"# what we need\n\n{line}\n") == RequirementLines([requirement])


@pytest.mark.parametrize("name", ["wheels/my_tool-1.0-py3-none-any.whl", "./my-tool-1.0.tar.gz"])
def test_an_archive_in_the_project_has_its_address(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, name).requirements == [f"my-tool @ file://{tmp_path / name}"]


@pytest.mark.parametrize(
    ("line", "url"),
    [
        ("--extra-index-url https://download.pytorch.org/whl/cu118", "https://download.pytorch.org/whl/cu118"),
        ("--index-url=https://host/simple", "https://host/simple"),
        ("-i https://host/simple", "https://host/simple"),
        ("-ihttps://host/simple", "https://host/simple"),
    ],
)
def test_an_index_is_found(tmp_path: Path, line: str, url: str) -> None:
    assert read(tmp_path, f"{line}\ntorch\n") == RequirementLines(["torch"], [url])


def test_files_are_included_from_where_they_are_named(tmp_path: Path) -> None:
    write_text(tmp_path / "requirements/base.txt", "numpy\n-r more.txt\n")
    write_text(tmp_path / "requirements/more.txt", "scipy\n")
    assert read(tmp_path, "-r requirements/base.txt\npandas\n").requirements == ["numpy", "scipy", "pandas"]
    assert read(tmp_path, "--requirement=requirements/more.txt\n-rrequirements/more.txt").requirements == ["scipy"] * 2


def test_folders_of_the_project_are_found_and_others_are_not_heeded(tmp_path: Path) -> None:
    (tmp_path / "lib" / "tools").mkdir(parents=True)
    found = read(tmp_path, "-e .\n.[gpu]\nlib/tools\n--editable ./lib/tools\n-e ../shared\n")
    assert (found.folders, found.ignored) == ([".", ".[gpu]", "lib/tools", "lib/tools"], ["../shared"])


def test_other_options_are_not_heeded(tmp_path: Path) -> None:
    found = read(tmp_path, "--pre\n-c constraints.txt\n-f https://host/links\n--trusted-host host\nnumpy\n")
    assert found.ignored == ["--pre", "-c constraints.txt", "-f https://host/links", "--trusted-host host"]
    assert found.requirements == ["numpy"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-r more.txt", "there is no file '{folder}/more.txt'; correct the path, or create it"),
        ("-r requirements.txt", "{folder}/requirements.txt includes itself; remove one of the -r lines"),
        (
            "-r https://host/more.txt",
            "requirements.txt includes https://host/more.txt; copy that file to the project and include it from there",
        ),
        (
            "numpy=1.26",
            "requirements.txt has 'numpy=1.26', which is no requirement in pip's notation; did you mean 'numpy==1.26'?",
        ),
        (
            "numpy pandas",
            "requirements.txt has 'numpy pandas', which is no requirement in pip's notation; "
            "write it as 'pandas==2.2.3'",
        ),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, text)
    assert str(caught.value) == message.format(folder=tmp_path)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes("numpy # für".encode("latin-1"))
    with pytest.raises(ProjectError, match=r"requirements\.txt is not UTF-8; save it as UTF-8$"):
        parse_requirements(["-r requirements.txt"], tmp_path / "conda.yaml")


@pytest.mark.parametrize(
    ("requirement", "is_one"),
    [
        ("pip", True),
        ("pip==24.0", True),
        ("wheel >= 0.40", True),
        ("pip[extra]", True),
        ("pipenv", False),
        ("setuptools==68", False),
    ],
)
def test_what_only_installs_others_is_told(requirement: str, is_one: bool) -> None:
    assert is_installer(requirement) is is_one
