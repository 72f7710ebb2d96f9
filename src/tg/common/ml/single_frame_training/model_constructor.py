"""Names a model class and its arguments, so that a task can be read, changed and sent before the class is needed."""

from collections.abc import Callable
from typing import Any, cast

from ...errors import TaskDefinitionError
from ...module_references import import_reference


class ModelConstructor:
    """Builds a model from a reference and keyword arguments.

    Args:
        type_name: ``"package.module:Class"``, imported only when the model is made, or a class or function itself. In a
            package, the module may be one of the project's.
        kwargs: Arguments for it; hyperparameters reach them as ``model_provider.constructor.kwargs.<name>``.
    """

    def __init__(self, type_name: "str | Callable[..., Any]", **kwargs: Any) -> None:
        if isinstance(type_name, str):
            module, _, name = type_name.partition(":")
            if not module or not name or module.startswith("."):
                raise TaskDefinitionError(
                    f"the model reference {type_name!r} is not of the form 'module:Class', "
                    "such as 'sklearn.linear_model:LogisticRegression'"
                )
        elif not callable(type_name):
            raise TaskDefinitionError(f"the model reference {type_name!r} is neither a text nor a class")
        self.type_name = type_name
        self.kwargs = kwargs

    def __call__(self) -> Any:
        """Builds the model.

        Raises:
            TaskDefinitionError: If the class cannot be found or does not accept these arguments.
        """
        constructor = self.resolve()
        try:
            return constructor(**self.kwargs)
        except TypeError as error:
            raise TaskDefinitionError(f"model {self.type_name!r} cannot be made: {error}") from error

    def resolve(self) -> Callable[..., Any]:
        """Imports the class or function ``type_name``.

        Raises:
            TaskDefinitionError: If there is no such module or name.
        """
        if not isinstance(self.type_name, str):
            return self.type_name
        try:
            found = import_reference(self.type_name)
        except (ImportError, AttributeError) as error:
            raise TaskDefinitionError(f"model {self.type_name!r} cannot be found: {error}") from error
        if not callable(found):
            raise TaskDefinitionError(f"model {self.type_name!r} is a {type(found).__name__}, not a class or function")
        return cast("Callable[..., Any]", found)
