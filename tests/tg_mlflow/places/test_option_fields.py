"""Keys and their reference, from a frozen dataclass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from pydantic import ValidationError

from tg_mlflow.places.config import Section
from tg_mlflow.places.option_fields import build_option_model, describe_keys, format_reference, read_descriptions


@dataclass(frozen=True)
class NetOptions:
    """A network.

    Attributes:
        ids: Its ids.
    """

    ids: Sequence[str]


@dataclass(frozen=True)
class ShipOptions:
    """Options of a ship.

    Attributes:
        name: What it is called, such as ``Titanic``: the name
            of one, a|b.
        decks: How many.
        crew: Who is aboard, by task.
        ports: Where it goes.
        net: Its network; by default none.
        secret: Nobody's.

    Raises:
        ValueError: Never: this is no attribute.
    """

    name: str | Mapping[str, str] | None = None
    decks: int = 3
    crew: Mapping[str, str] = field(default_factory=dict)
    ports: Sequence[str] = ()
    net: NetOptions | None = None
    secret: str = "x"


MODEL = build_option_model("ShipConfig", ShipOptions, Section, __name__, leave_out=("secret",))


def test_defaults_are_those_of_the_dataclass_as_json_has_them() -> None:
    assert MODEL().model_dump() == {"name": None, "decks": 3, "crew": {}, "ports": [], "net": None}
    assert (MODEL.__name__, MODEL.__module__) == ("ShipConfig", __name__)


def test_values_are_checked_as_the_base_does() -> None:
    assert MODEL(net={"ids": ["a"]}, name={"a": "b"}).model_dump()["net"] == {"ids": ["a"]}
    for wrong in ({"decks": "3"}, {"secret": "y"}, {"net": {}}, {"ports": "a"}, {"crew": []}):
        with pytest.raises(ValidationError):
            MODEL.model_validate(wrong)


def test_a_description_is_one_line() -> None:
    assert read_descriptions(ShipOptions) == {
        "name": "What it is called, such as ``Titanic``: the name of one, a|b.",
        "decks": "How many.",
        "crew": "Who is aboard, by task.",
        "ports": "Where it goes.",
        "net": "Its network; by default none.",
        "secret": "Nobody's.",
    }


def test_keys_of_a_subclass_are_described_by_its_own_docstring() -> None:
    class Fleet(MODEL):  # type: ignore[valid-type, misc]
        """A fleet.

        Attributes:
            ships: How many ships.
        """

        ships: int

    assert list(describe_keys(Fleet).items())[-2:] == [
        ("net", "Its network; by default none."),
        ("ships", "How many ships."),
    ]


def test_the_reference_has_a_row_for_each_key() -> None:
    assert format_reference(MODEL).splitlines() == [
        "| key | default | meaning |",
        "|---|---|---|",
        "| `name` | `null` | What it is called, such as `Titanic`: the name of one, a\\|b. |",
        "| `decks` | `3` | How many. |",
        "| `crew` | `{}` | Who is aboard, by task. |",
        "| `ports` | `[]` | Where it goes. |",
        "| `net` | `null` | Its network; by default none. |",
    ]
    assert format_reference(MODEL, ["decks"]).splitlines()[2:] == ["| `decks` | `3` | How many. |"]
