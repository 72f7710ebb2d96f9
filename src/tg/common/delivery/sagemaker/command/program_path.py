"""Makes ``python`` the job's Python for a program and all that it starts."""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ....system.temporary_folder import temporary_folder

_NAMES = ("python", "python3")


@contextmanager
def putting_python_first(variables: dict[str, str]) -> Iterator[None]:
    """Puts the folder of this process's Python first in ``PATH``, and programs in front that lack there.

    Debian's Python, for one, is called ``python3`` alone. A link would not find the libraries of a virtual environment.

    Args:
        variables: Changed in place.
    """
    own = Path(sys.executable).parent
    with temporary_folder() as folder:
        for name in _NAMES:
            if not (own / name).exists():
                program = folder / name
                program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', encoding="utf-8")
                program.chmod(0o755)
        given = variables.get("PATH", os.defpath)
        variables["PATH"] = os.pathsep.join([str(folder), str(own), given])
        yield
