"""A small project to begin with, with data of its own: rents of flats, made up."""

import random
from pathlib import Path

from tg_mlflow.scaffolding.new_project import NewProject
from tg_mlflow.scaffolding.table_guess import TableGuess
from tg_mlflow.scaffolding.table_project import build_task_files, place_dataset

_TABLE = "flats.csv"
_TARGET = "rent"
_COLUMNS = ("size", "rooms", "district", "has_balcony", "built", _TARGET)
_DISTRICTS = {"centre": 6.0, "harbour": 3.5, "north": 1.0, "south": 0.0}
_ROW_COUNT = 400
_SEED = 0


def make_example_project(folder: Path) -> NewProject:
    """Makes a project that predicts the rent of flats.

    Args:
        folder: The project's folder, after which it is named.
    """
    guess = TableGuess("regression", "", _ROW_COUNT, list(_COLUMNS[:-1]), {})
    place = place_dataset(folder, _TABLE)
    notes = [
        ("example", "a regression: the rent of flats by their size, rooms, district, balcony and year"),
        ("data", f"{place}, {_ROW_COUNT} made-up rows with numbers, categories and gaps"),
    ]
    return NewProject(notes, {place: format_flats(), **build_task_files(folder, _TABLE, _TARGET, guess)})


def format_flats() -> str:
    """Writes the table as CSV; it is the same each time."""
    source = random.Random(_SEED)
    lines = [",".join(_COLUMNS)]
    for _ in range(_ROW_COUNT):
        size = round(source.triangular(20, 160, 60), 1)
        rooms = max(1, round(size / 30 + source.gauss(0, 0.5)))
        district = source.choice(list(_DISTRICTS))
        has_balcony = source.random() < 0.4
        built = source.randint(1900, 2025)
        by_size = 9 + _DISTRICTS[district] + (built - 1900) / 60
        rent = round(size * by_size + 60 * has_balcony + source.gauss(0, 60), 2)
        row = [size, rooms, district, str(has_balcony).lower(), built if source.random() < 0.9 else "", rent]
        lines.append(",".join(map(str, row)))
    return "\n".join(lines) + "\n"
