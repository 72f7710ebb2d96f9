"""An installed package, and the objects in it."""

import importlib
import importlib.resources
import json
from typing import Any

from ...errors import PackagingError, listed
from .pickling import load_pickle


class EntryPoint:
    """Loads what a package holds.

    Args:
        module_name: The package's top module, which can be imported.

    Raises:
        PackagingError: If there is no such package.
    """

    def __init__(self, module_name: str) -> None:
        self.module_name = module_name
        try:
            self._files = importlib.resources.files(module_name)
            text = (self._files / "properties.json").read_text(encoding="utf-8")
        except (ModuleNotFoundError, FileNotFoundError) as error:
            raise PackagingError(f"{module_name!r} is no installed package: {error}") from error
        self.properties: dict[str, Any] = {**json.loads(text), "resources_location": str(self._files / "resources")}

    @property
    def tg_import_path(self) -> str:
        """Our own top module as the package has it, such as ``Titanic__0.tg``."""
        return str(self.properties["tg_import_path"])

    def load_resource(self, name: str) -> Any:
        """Loads one object of the payload.

        Raises:
            PackagingError: If the payload has no object of this name.
        """
        resource = self._files / "resources" / f"{name}.pkl"
        if not resource.is_file():
            present = sorted(file.name.removesuffix(".pkl") for file in (self._files / "resources").iterdir())
            raise PackagingError(f"the package {self.module_name!r} holds no object {name!r}; it holds {listed(present)}")
        return load_pickle(resource.read_bytes())
