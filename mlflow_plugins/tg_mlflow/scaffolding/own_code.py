"""The code of a project that a script brings along: the modules of its folder that it imports, directly or not."""

from collections.abc import Iterator
from pathlib import Path

from tg_mlflow.errors import ProjectError
from tg_mlflow.scaffolding.script import Script, read_script

# Enough for a project that a person has written; a folder of thousands is no script's own.
_MOST_MODULES = 100


def read_own_code(folder: Path, script: Script) -> list[Script]:
    """Reads a script's modules; nothing of them is run.

    Args:
        folder: The project's folder.
        script: The script.

    Returns:
        The script, then the modules in the order of their imports. What cannot be read is left out.
    """
    found = {script.path.resolve(): script}
    open_scripts = [script]
    while open_scripts and len(found) < _MOST_MODULES:
        current = open_scripts.pop(0)
        for path in _find_modules(folder, script, current):
            if path.resolve() in found:
                continue
            try:
                module = read_script(path)
            except ProjectError:
                continue
            found[path.resolve()] = module
            open_scripts.append(module)
    return list(found.values())


def _find_modules(folder: Path, script: Script, current: Script) -> Iterator[Path]:
    for level, name in current.imported_names:
        # A script is found from its own folder, a module that runs with -m from the project's.
        roots = [script.path.parent, folder] if not level else [current.path.parents[level - 1]]
        place = name.replace(".", "/")
        paths = (root / each for root in roots for each in (f"{place}.py", f"{place}/__init__.py"))
        path = next((each for each in paths if each.is_file()), None)
        if path is not None:
            yield path
