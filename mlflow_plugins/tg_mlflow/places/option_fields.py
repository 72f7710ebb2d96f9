"""Derives configuration keys and their reference from a frozen dataclass, the only description of its fields."""

import dataclasses
import inspect
import json
import re
import types
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Field, create_model
from pydantic.fields import FieldInfo

Model = TypeVar("Model", bound=BaseModel)

_ATTRIBUTE = re.compile(r"(?P<name>\w+): (?P<text>.*)")


def build_option_model(
    name: str, options: type[Any], base: type[Model], module: str, leave_out: Collection[str] = ()
) -> type[Model]:
    """Builds a model whose fields are those of a frozen dataclass: their types, defaults and descriptions.

    A field that is such a dataclass itself becomes a model of its own. Values have JSON's types: a ``Sequence`` is a
    list, a ``Mapping`` a dictionary.

    Args:
        name: The model's name.
        options: The dataclass. It checks the values when it is built; the model checks their types.
        base: The model's base class.
        module: The module that the model belongs to.
        leave_out: Fields that users do not set.
    """
    descriptions = read_descriptions(options)
    types_by_name = get_type_hints(options)
    definitions: dict[str, Any] = {}
    for each in dataclasses.fields(options):
        if each.name in leave_out:
            continue
        annotation = _as_json_type(types_by_name[each.name], base, module)
        definitions[each.name] = (annotation, _build_field(each, descriptions.get(each.name)))
    built: type[Model] = create_model(
        name, __base__=base, __module__=module, __doc__=inspect.getdoc(options), **definitions
    )
    return built


def read_descriptions(described: type[Any]) -> dict[str, str]:
    """Parses the descriptions of attributes in a class's docstring, below ``Attributes:``, into one line each."""
    lines = (inspect.getdoc(described) or "").splitlines()
    start = next((number for number, line in enumerate(lines) if line == "Attributes:"), len(lines))
    descriptions: dict[str, str] = {}
    name = ""
    for line in lines[start + 1 :]:
        if line and not line.startswith("    "):
            break
        found = _ATTRIBUTE.fullmatch(line[4:])
        if found is not None:
            name = found["name"]
            descriptions[name] = found["text"]
        elif name and line.strip():
            descriptions[name] += f" {line.strip()}"
    return descriptions


def describe_keys(model: type[BaseModel]) -> dict[str, str]:
    """Describes each key of a model: by its field, or else by the docstring of its class."""
    by_docstring: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, BaseModel):
            by_docstring.update(read_descriptions(each))
    return {name: info.description or by_docstring.get(name, "") for name, info in model.model_fields.items()}


def format_reference(model: type[BaseModel], keys: Sequence[str] | None = None) -> str:
    """Formats the keys of a model as a table in Markdown, with their defaults and meanings.

    Args:
        model: The model.
        keys: The keys to list, in this order; by default all.
    """
    descriptions = describe_keys(model)
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for name in model.model_fields if keys is None else keys:
        meaning = descriptions[name].replace("``", "`").replace("|", "\\|")
        rows.append(f"| `{name}` | {_format_default(model.model_fields[name])} | {meaning} |")
    return "\n".join(rows)


def _build_field(field: "dataclasses.Field[Any]", description: str | None) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return Field(default_factory=_as_json_factory(field.default_factory), description=description)
    if field.default is dataclasses.MISSING:
        return Field(description=description)
    if isinstance(field.default, tuple):
        return Field(default_factory=lambda: list(field.default), description=description)
    return Field(default=field.default, description=description)


def _as_json_factory(factory: Any) -> Any:
    return list if factory is tuple else factory


def _as_json_type(annotation: Any, base: type[BaseModel], module: str) -> Any:
    """Returns the type of the same values in JSON, where a dataclass is an object."""
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        name = f"{annotation.__name__.removesuffix('Options')}Config"
        return build_option_model(name, annotation, base, module)
    origin = get_origin(annotation)
    if origin is None or origin is Literal:
        return annotation
    arguments = tuple(_as_json_type(each, base, module) for each in get_args(annotation))
    if origin in (Union, types.UnionType):
        return Union[arguments]  # noqa: UP007 - of types that are known only when this runs
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return dict[arguments]  # type: ignore[valid-type, misc]
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return list[arguments[0]]  # type: ignore[valid-type]
    return annotation


def _format_default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True, validated_data={})
    if value is None:
        return "`null`"
    if isinstance(value, BaseModel):
        value = {}
    return f"`{json.dumps(value)}`" if not isinstance(value, str) else f"`{value}`"
