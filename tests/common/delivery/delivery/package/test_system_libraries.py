import os
import subprocess
import sys
from pathlib import Path

import pytest

from tg.common.delivery.delivery.package import system_libraries
from tg.common.delivery.delivery.package.system_libraries import debian_packages, find_missing_libraries

LDD = """#!/bin/sh
case "$1" in
*lightgbm*) printf '\\tlibgomp.so.1 => not found\\n\\tlibc.so.6 => /lib/libc.so.6 (0x1)\\n' ;;
*cv2*) for each in GL.so.1 gthread-2.0.so.0 glib-2.0.so.0; do printf "\\tlib$each => not found\\n"; done ;;
*found*) printf '\\tlibgomp.so.1 => /lib/libgomp.so.1 (0x1)\\n' ;;
*) echo "asked for $1" >&2; exit 1 ;;
esac
"""


def library(path: Path, *needed: str) -> None:
    """A file that looks like a shared library that needs others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x7fELF" + b"".join(f"\0{name}\0".encode() for name in needed))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Libraries as they are installed, and an `ldd` that does not find what they need."""
    program = tmp_path / "bin" / "ldd"
    program.parent.mkdir()
    program.write_text(LDD)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    folder = tmp_path / "venv"
    library(folder / "lightgbm" / "lib_lightgbm.so", "libgomp.so.1", "libc.so.6")
    library(folder / "cv2" / "cv2.abi3.so", "libc.so.6", "libGL.so.1")
    library(folder / "found" / "x.so.1", "libgomp.so.1")
    library(folder / "other" / "x.so", "libcuda.so.1")
    (folder / "other" / "text.so").write_text("\0libgomp.so.1\0")
    return folder


def test_libraries_that_are_needed_and_not_found(installed: Path) -> None:
    missing = find_missing_libraries(installed)
    assert missing == {
        "libgomp.so.1": "lightgbm/lib_lightgbm.so",
        "libGL.so.1": "cv2/cv2.abi3.so",
        "libgthread-2.0.so.0": "cv2/cv2.abi3.so",
        "libglib-2.0.so.0": "cv2/cv2.abi3.so",
    }
    assert debian_packages(missing) == ["libgl1", "libglib2.0-0", "libgomp1"]


@pytest.mark.starts_process
def test_the_program_writes_packages_and_tells_why(installed: Path) -> None:
    program = [sys.executable, "-I", "-S", system_libraries.__file__, str(installed)]
    result = subprocess.run(program, capture_output=True, text=True, check=True)
    assert result.stdout == "libgl1 libglib2.0-0 libgomp1"
    assert "lightgbm/lib_lightgbm.so needs libgomp.so.1 of the Debian package libgomp1\n" in result.stderr


def test_a_system_without_a_loader_that_can_be_asked(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(installed))
    assert find_missing_libraries(installed) == {}
