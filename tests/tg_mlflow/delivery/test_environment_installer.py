import os
import sys
import textwrap
from pathlib import Path

import pytest

from tests.small_wheel import make_wheel
from tg_mlflow.delivery.environment_installer import find_python, find_reason, find_uv, install_environment
from tg_mlflow.delivery.pip_settings import build_uv_variables, parse_settings
from tg_mlflow.errors import ProjectError

needs_uv = pytest.mark.skipif(find_uv() is None, reason="there is no uv")
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def install(folder: Path, *requirements: str, index_urls: tuple[str, ...] = ()) -> None:
    lock = os.open(folder.parent, os.O_RDONLY)
    try:
        install_environment(folder, Path(sys.executable), requirements, index_urls, lock)
    finally:
        os.close(lock)


@needs_uv
@pytest.mark.starts_process
def test_a_requirement_that_cannot_be_installed_is_named(
    environments: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environments.mkdir()
    with pytest.raises(ProjectError, match="nothing-like-this") as caught:
        install(environments / "one", "nothing-like-this==3")
    assert "\n" not in str(caught.value)
    assert "nothing-like-this" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (
            """
            error: No solution found when resolving dependencies
              cause: Because a was not found in the package registry and you require a==3, we can conclude that your
            """,
            "No solution found when resolving dependencies: Because a was not found in the package registry and you "
            "require a==3, we can conclude that your",
        ),
        (
            """
              × No solution found when resolving dependencies:
              ╰─▶ Because a was not found in the package registry and you require
                  a==3, we can conclude that your requirements are unsatisfiable.
            """,
            "No solution found when resolving dependencies: Because a was not found in the package registry and you "
            "require a==3, we can conclude that your requirements are unsatisfiable",
        ),
        (
            """
            Resolved 3 packages in 3ms
               Building scikit-learn==0.20.3
              × Failed to build `scikit-learn==0.20.3`
              ├─▶ The build backend returned an error
              ╰─▶ Call to `setuptools.build_meta` failed (exit status: 1)

                  [stderr]
                  ModuleNotFoundError: No module named 'pkg_resources'
            """,
            "Failed to build `scikit-learn==0.20.3`: The build backend returned an error: Call to "
            "`setuptools.build_meta` failed (exit status: 1)",
        ),
        (
            """
            Collecting click
            ERROR: Could not find a version that satisfies the requirement a==3 (from versions: none)
            ERROR: No matching distribution found for a==3
            """,
            "No matching distribution found for a==3",
        ),
        ("Killed", None),
    ],
)
def test_the_reason_of_uv_and_pip_is_one_line(output: str, reason: str | None) -> None:
    assert find_reason(textwrap.dedent(output).strip("\n").splitlines()) == reason


@needs_uv
@pytest.mark.starts_process
def test_passwords_of_indexes_are_not_shown_and_not_kept(
    environments: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://ann:s3cretpw@127.0.0.1:9/simple")
    environments.mkdir()
    with pytest.raises(ProjectError) as caught:
        install(environments / "one", "tiny", index_urls=("http://bob:s3cretpw@127.0.0.1:9/other",))
    assert "127.0.0.1:9" in str(caught.value)
    assert "s3cretpw" not in str(caught.value) + capsys.readouterr().out


def test_this_python_is_found_without_a_search() -> None:
    assert find_python(None) == find_python(HERE) == Path(sys.executable)


@pytest.mark.starts_process
def test_a_python_is_found_in_the_path_and_among_those_of_pyenv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    shim = tmp_path / "python3.99"
    shim.write_text("#!/bin/sh\nexit 127\n")  # as pyenv's, for a version that is not chosen
    shim.chmod(0o755)
    real = tmp_path / "pyenv" / "versions" / "3.99.2" / "bin" / "python"
    real.parent.mkdir(parents=True)
    real.write_text("#!/bin/sh\necho Python 3.99.2\n")
    real.chmod(0o755)
    assert find_python("3.99") == real
    shim.write_text("#!/bin/sh\necho Python 3.99.0\n")
    assert find_python("3.99") == shim


@pytest.mark.starts_process
def test_a_python_that_nobody_has_is_none(environments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert find_python("3.98") is None


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("global.index-url='https://host/simple'\n", {"UV_DEFAULT_INDEX": "https://host/simple"}),
        (
            "global.extra-index-url='https://a/simple https://b/simple'",
            {"UV_INDEX": "https://a/simple https://b/simple"},
        ),
        (
            "install.extra-index-url='https://a/simple\\nhttps://b/simple'",
            {"UV_INDEX": "https://a/simple https://b/simple"},
        ),
        ("global.find-links='/wheels /more'", {"UV_FIND_LINKS": "/wheels,/more"}),
        (":env:.index-url='https://a'\nglobal.index-url='https://b'", {"UV_DEFAULT_INDEX": "https://a"}),
        ("global.timeout='60'\nglobal.cert='/ca.pem'", {"SSL_CERT_FILE": "/ca.pem"}),
        ("", {}),
    ],
)
def test_what_pip_is_told_holds_for_uv(text: str, variables: dict[str, str]) -> None:
    assert parse_settings(text) == variables


def test_settings_of_uv_go_before_those_of_pip(tmp_path: Path) -> None:
    assert build_uv_variables({"UV_DEFAULT_INDEX": "https://host"}) == {}
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv" / "uv.toml").touch()
    assert build_uv_variables({"XDG_CONFIG_HOME": str(tmp_path)}) == {}


@pytest.mark.starts_process
def test_pips_variables_are_read(tmp_path: Path) -> None:
    given = {"XDG_CONFIG_HOME": str(tmp_path), "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "https://host/simple"}
    assert build_uv_variables(given) == {"UV_DEFAULT_INDEX": "https://host/simple"}


@needs_uv
@pytest.mark.starts_process
def test_a_wheel_that_needs_another_gets_it_from_where_links_are(environments: Path, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "tiny", "1.5", requires="tg_test_other")
    make_wheel(tmp_path / "wheels", "tg_test_other", "2.0")
    environments.mkdir()
    install(environments / "one", f"tiny @ {wheel.as_uri()}")
    assert [each.name for each in (environments / "one").glob("lib/*/site-packages/tg_test_other.py")] == [
        "tg_test_other.py"
    ]
