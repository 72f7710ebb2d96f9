"""Finds the shared libraries that installed Python libraries need and the system lacks.

    python3 system_libraries.py FOLDER

It runs while an image is built, so it uses the standard library only. It prints the Debian packages that contain them,
and on stderr what needs them.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

# What wheels expect from the system, as `objdump -p` shows, beyond what each Debian has. Other missing libraries are
# often found by the Python library itself, or belong to a driver.
DEBIAN_PACKAGES = {
    "libGL.so.1": "libgl1",
    "libICE.so.6": "libice6",
    "libSM.so.6": "libsm6",
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libXrender.so.1": "libxrender1",
    "libatomic.so.1": "libatomic1",
    "libexpat.so.1": "libexpat1",
    "libgfortran.so.5": "libgfortran5",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgomp.so.1": "libgomp1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libnuma.so.1": "libnuma1",
    "libodbc.so.2": "libodbc2",
    "libpq.so.5": "libpq5",
    "libsndfile.so.1": "libsndfile1",
    "libxcb.so.1": "libxcb1",
}


def find_missing_libraries(folder: Path) -> dict[str, str]:
    """Finds which of :data:`DEBIAN_PACKAGES` are needed below a folder and missing.

    Returns:
        The first file that needs each library, relative to the folder, by the library's name.
    """
    missing: dict[str, str] = {}
    for path in _candidates(folder):
        for name in _read_not_found(_ldd(path)):
            if name in DEBIAN_PACKAGES:
                missing.setdefault(name, path.relative_to(folder).as_posix())
    return missing


def debian_packages(libraries: Iterable[str]) -> list[str]:
    """Returns the packages that contain these libraries, sorted."""
    return sorted({DEBIAN_PACKAGES[name] for name in libraries})


def _candidates(folder: Path) -> Iterator[Path]:
    """Yields the shared libraries that mention one of the table's; asking the loader about every file takes seconds."""
    names = [f"\0{name}\0".encode() for name in DEBIAN_PACKAGES]
    for path in sorted(folder.rglob("*.so*")):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if content.startswith(b"\x7fELF") and any(name in content for name in names):
                yield path


def _ldd(path: Path) -> str:
    environment = {**os.environ, "LC_ALL": "C"}  # others translate "not found"
    try:
        return subprocess.run(["ldd", str(path)], env=environment, capture_output=True, text=True).stdout
    except FileNotFoundError:  # a system without it has no Debian packages either
        return ""


def _read_not_found(output: str) -> Iterator[str]:
    """Yields the libraries that ``ldd`` did not find."""
    for line in output.splitlines():
        name, arrow, place = line.partition("=>")
        if arrow and place.strip() == "not found":
            yield name.strip()


def main() -> None:
    """Prints the packages to install for what is below the folder on the command line."""
    missing = find_missing_libraries(Path(sys.argv[1]))
    for name, path in missing.items():
        sys.stderr.write(f"{path} needs {name} of the Debian package {DEBIAN_PACKAGES[name]}\n")
    sys.stdout.write(" ".join(debian_packages(missing)))


if __name__ == "__main__":
    main()
