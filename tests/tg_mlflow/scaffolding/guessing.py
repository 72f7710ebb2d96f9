"""Guesses from texts, for tests."""

from pathlib import Path
from typing import Any

import yaml

from tests.text_file import write_text
from tg_mlflow.scaffolding.new_project import NewProject
from tg_mlflow.scaffolding.script_project import guess_script_project


def guess(folder: Path, text: str, name: str = "train.py") -> NewProject:
    """Guesses the project of a script."""
    write_text(folder / name, text)
    return guess_script_project(folder, Path(name))


def guess_entry_points(folder: Path, text: str, name: str = "train.py") -> Any:
    """Guesses what the MLproject of a script runs."""
    return yaml.safe_load(guess(folder, text, name).files["MLproject"])["entry_points"]


def guess_main(folder: Path, text: str) -> tuple[str, dict[str, Any]]:
    """Guesses a script's command and its parameters."""
    main = guess_entry_points(folder, text)["main"]
    return main["command"], main.get("parameters", {})


def find_notes(project: NewProject, subject: str) -> list[str]:
    return [text for about, text in project.notes if about == subject]
