import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.utils.validation import _validate_metric, _validate_tag

from tg_mlflow.recording.metric_names import MetricNames, format_name_tags

# What MLflow looks at, what it does not know, and what only looks alike.
characters = st.one_of(
    st.sampled_from([*"./_-: aAéßſKİ²", "e\u0301", "\0", "\x1b", "\ud800", "@", "日", "\U0001d7d9", "-2", "x" * 120]),
    st.characters(),
)
names = st.lists(characters, max_size=8).map("".join)


def read_name_tags(tags: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for tag in tags:
        for key, piece in json.loads(tag).items():
            found[key] = found.get(key, "") + piece
    return found


@given(st.lists(names, unique=True, max_size=20))
def test_mlflow_takes_every_key_and_each_name_has_its_own(written: list[str]) -> None:
    keys = MetricNames()
    found = [keys.key_of(name) for name in written]
    for key in found:
        _validate_metric(key, 1.0, 0, 0)
    assert len(set(found)) == len(written)
    assert [keys.key_of(name) for name in written] == found
    assert [keys.changed.get(key, key) for key in found] == written


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("..x", "_.x"),
        ("...", "_.."),
        (".../..a", "_../..a"),
        (".hidden", ".hidden"),
        ("a/..", "a"),
        ("", "_"),
        ("x" * 249 + "/y", "x" * 249),
        ("x" * 248 + "/.y", "x" * 248),
        ("x" * 247 + "/..y", "x" * 247),
        ("x" * 246 + "/...y", "x" * 246 + "/..."),
        ("x" * 251, "x" * 250),
        ("e\u0301", "e_"),
        ("\u00e9", "\u00e9"),
        ("a\0b", "a_b"),
    ],
)
def test_a_name_becomes_a_plain_relative_path(name: str, key: str) -> None:
    _validate_metric(key, 1.0, 0, 0)
    assert MetricNames().key_of(name) == key


def test_thousands_of_names_may_come_to_the_same_key() -> None:
    keys = MetricNames()
    found = [keys.key_of("x" * 300 + f"@{number}") for number in range(20_000)]
    assert found[0] == "x" * 250
    assert found[1] == "x" * 248 + "-2"
    assert found[-1] == "x" * 244 + "-20000"
    assert len(set(found)) == 20_000


@given(st.dictionaries(names, st.text(max_size=9).flatmap(lambda text: st.just(text * 1500)), max_size=8))
def test_tags_tell_the_names_of_any_length(changed: dict[str, str]) -> None:
    tags = format_name_tags(changed)
    for tag in tags:
        assert _validate_tag("tg.metric_names", tag).value == tag
        assert len(tag) <= 8000
    assert read_name_tags(tags) == changed


def test_names_fill_one_tag_after_the_other() -> None:
    assert format_name_tags({}) == []
    assert format_name_tags({"a_": "a@", "größe_": "größe%"}) == ['{"a_": "a@", "größe_": "größe%"}']
    changed = {f"{number}_": f"{number}@" * 20 for number in range(200)}
    tags = format_name_tags(changed)
    assert [len(tag) for tag in tags] == [7994, 7912, 184]
    more = format_name_tags({**changed, "more_": "more@"})
    assert more[:2] == tags[:2]
    assert json.loads(more[2]) == {**json.loads(tags[2]), "more_": "more@"}


def test_the_longest_names_fit() -> None:
    changed = {"x" * 249 + str(number): "\0" * 4096 for number in range(3)}
    tags = format_name_tags(changed)
    assert max(map(len, tags)) <= 8000
    assert read_name_tags(tags) == changed
