"""Reads ``python_env.yaml``, MLflow's own kind."""

from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from tg.common.errors import suggestion
from tg_mlflow.errors import ProjectError
from tg_mlflow.project.environments.declaration import Declaration
from tg_mlflow.project.environments.requirement_lines import parse_requirements
from tg_mlflow.project.environments.text_files import read_mapping, read_texts

_KEYS = ("python", "build_dependencies", "dependencies")


def read_python_env(path: Path) -> Declaration:
    """Reads a ``python_env.yaml``.

    Raises:
        ProjectError: If it cannot be read, or has another form.
    """
    content = read_mapping(path)
    for key in content:
        if key not in _KEYS:
            raise ProjectError(f"{path} has the unknown key {key!r}; {suggestion(key, _KEYS)}")
    lines = [*read_texts(path, content, "build_dependencies"), *read_texts(path, content, "dependencies")]
    found = parse_requirements(lines, path)
    return Declaration(
        path.name,
        python=_read_python(path, content.get("python")),
        requirements=tuple(each for each in found.requirements if not is_installer(each)),
        index_urls=tuple(found.index_urls),
        folders=tuple(found.folders),
        ignored=tuple(found.ignored),
    )


def is_installer(requirement: str) -> bool:
    """Whether a requirement only serves to install others: each environment has its own ``pip``."""
    name = requirement.partition("[")[0].strip().lower()
    return any(name == each or (name.startswith(each) and name[len(each)] in " =<>!~;") for each in ("pip", "wheel"))


def _read_python(path: Path, text: object) -> str | None:
    if not text:
        return None
    specifier = str(text) if str(text)[0] in "=<>!~" else f"=={text}"
    try:
        SpecifierSet(specifier)
    except InvalidSpecifier as error:
        raise ProjectError(f"{path} has python: {text!r}; give a version, such as 3.12") from error
    return specifier
