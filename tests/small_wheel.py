"""Makes a wheel of one module, to be installed without a network; the same module gives the same bytes."""

import zipfile
from pathlib import Path


def make_wheel(folder: Path, name: str, version: str, source: str = "", requires: str = "") -> Path:
    """Makes a wheel with a module of the distribution's name.

    Args:
        folder: Where it is made; it exists.
        name: The distribution's name, without dashes.
        version: Its version.
        source: The module's text.
        requires: Another distribution that it requires.
    """
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = {
        f"{name}.py": source,
        f"{info}/METADATA": metadata + (f"Requires-Dist: {requires}\n" if requires else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for each, text in files.items():
            archive.writestr(zipfile.ZipInfo(each), text)
    return path
