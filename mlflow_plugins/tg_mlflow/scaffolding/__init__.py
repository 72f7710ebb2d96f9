"""The beginning of a project: what a script or a table tells of itself, and the files that make it a project.

No code of the user's runs here: scripts are read as syntax trees. Nor is MLflow needed, so that the first words come at
once.

- `guess_script_project`, `guess_table_project`, `make_example_project`: what to write, and what was guessed
- `NewProject`, `write_project`: the files, of which none replaces another
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "NewProject": ".new_project",
    "guess_script_project": ".script_project",
    "guess_table_project": ".table_project",
    "make_example_project": ".example",
    "write_project": ".new_project",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.scaffolding.example import make_example_project as make_example_project
    from tg_mlflow.scaffolding.new_project import NewProject as NewProject
    from tg_mlflow.scaffolding.new_project import write_project as write_project
    from tg_mlflow.scaffolding.script_project import guess_script_project as guess_script_project
    from tg_mlflow.scaffolding.table_project import guess_table_project as guess_table_project
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
