"""Names the runs of a sweep by what varies in it, so that people can compare them."""

import hashlib
import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, TypeVar

from ....errors import TaskDefinitionError
from .sweep_values import format_exact_value, format_short_value

# MLflow keeps a run's name in a column of 250 characters.
LONGEST_RUN_NAME = 200

_LONGEST_PART = 32
_SHORT_DIGEST = 8
_LONG_DIGEST = 64
_LONGEST_PREFIX_OF_WORD = 6

_Key = TypeVar("_Key", bound=Hashable)


def format_sweep_names(combinations: Sequence[Mapping[str, Any]], prefix: str | None = None) -> list[str]:
    """Names each run of a sweep: the prefix and its parts of :func:`format_sweep_parts`, as ``deep-LR0.1-NS10-5``.

    The parts stand in the order of the parameters. The names differ from each other, in case at least, and have at most
    ``LONGEST_RUN_NAME`` characters: of a longer one the end is replaced by ``~`` and a digest of what varies. Where
    nothing varies, the name is the prefix, or ``task``. The same combinations get the same names in every process.

    Args:
        combinations: The parameters of each run.
        prefix: Comes before each name.

    Raises:
        TaskDefinitionError: If a combination is there twice, or a value cannot be told from others.
    """
    varying = _format_varying(combinations)
    names = [
        "-".join([*([prefix] if prefix else []), *parts.values()]) or "task"
        for parts in _format_parts(combinations, varying)
    ]
    identities = [repr(sorted(texts.items())) for texts in varying]
    seen: set[str] = set()
    for combination, identity in zip(combinations, identities, strict=True):
        if identity in seen:
            raise TaskDefinitionError(f"the sweep has the combination {dict(combination)!r} twice; give it once")
        seen.add(identity)
    # A name that two runs share is made unique in the same way as one that is too long.
    candidates = {
        number: [
            _cut(name, identity, LONGEST_RUN_NAME),
            _digested(name, identity, _SHORT_DIGEST, LONGEST_RUN_NAME),
            _digested(name, identity, _LONG_DIGEST, LONGEST_RUN_NAME),
        ]
        for number, (name, identity) in enumerate(zip(names, identities, strict=True))
    }
    chosen = _choose(candidates)
    return [chosen[number] for number in range(len(names))]


def format_sweep_parts(combinations: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Formats the parts of each run's name: a label and a value for each parameter that varies, ``LR0.1``.

    A parameter varies if two combinations differ in it. Its label depends on nothing but the names of all parameters
    that vary: the first letters of its words, more of them where two would be alike (``BaS``, ``BiS``); for a path,
    those of its last step unless another parameter has the same one. How its value is written depends on nothing but
    the values that this parameter has in the sweep: as :func:`format_short_value` does, or, where two would be alike,
    as :func:`format_exact_value` does. Neither depends on any order, nor on the values of other parameters. Between
    both is a ``=``, unless a digit follows a letter.

    Returns:
        The parts of each combination, by parameter.

    Raises:
        TaskDefinitionError: If a value cannot be told from others.
    """
    return _format_parts(combinations, _format_varying(combinations))


def _format_parts(
    combinations: Sequence[Mapping[str, Any]], exact: Sequence[Mapping[str, str]]
) -> list[dict[str, str]]:
    values: dict[str, dict[str, Any]] = {}
    for combination, texts in zip(combinations, exact, strict=True):
        for name, text in texts.items():
            values.setdefault(name, {})[text] = combination[name]
    labels = _choose({name: _list_labels(name) for name in values})
    shown = {name: _format_values(given) for name, given in values.items()}
    return [{name: _join(labels[name], shown[name][text]) for name, text in texts.items()} for texts in exact]


def _format_varying(combinations: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Formats exactly what varies in each combination; a value that is the same object in all of them is skipped."""
    first = combinations[0] if combinations else {}
    names = {name for each in combinations for name in each}
    varying = {
        name for name in names if any(each.get(name, each) is not first.get(name, first) for each in combinations)
    }
    exact = [{name: format_exact_value(each[name]) for name in each if name in varying} for each in combinations]
    varying = {name for name in varying if len({each.get(name) for each in exact}) > 1}
    return [{name: text for name, text in each.items() if name in varying} for each in exact]


def _list_labels(name: str) -> list[str]:
    """Lists the labels of a parameter, the shortest first: initials, more of one word, more of all, all.

    Of a path such as ``model_provider.constructor.kwargs.C:float``, the last step comes before the whole.
    """
    path = name.partition(":")[0]
    return [*_list_words(path.rpartition(".")[2] or path), *_list_words(name)]


def _list_words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    words = re.findall(r"[0-9]+|[^\W\d_]+", spaced)
    last = len(words) - 1
    labels = []
    for length in range(1, _LONGEST_PREFIX_OF_WORD + 1):
        for longer in ({0}, {last}, set(range(last + 1))):
            taken = [word[: length if number in longer else 1] for number, word in enumerate(words)]
            # A number is not cut, as `layer1` and `layer12` differ in nothing else.
            parts = [word if word[0].isdigit() else part.capitalize() for word, part in zip(words, taken, strict=True)]
            labels.append("".join(parts) or name)
    labels = [_cut(label, name, _LONGEST_PART) for label in (*labels, name)]
    labels.append(_digested(name, name, _SHORT_DIGEST, _LONGEST_PART))
    # A number before would read as one more item of the value before.
    return [label if label[:1].isalpha() or label[:1] == "_" else f"_{label}" for label in labels]


def _format_values(values: Mapping[str, Any]) -> dict[str, str]:
    """Formats the values of one parameter, by their exact form."""
    return _choose(
        {
            exact: [
                _cut(format_short_value(value), exact, _LONGEST_PART),
                _cut(exact, exact, _LONGEST_PART),
                _digested(exact, exact, _LONG_DIGEST, _LONG_DIGEST + 1),
            ]
            for exact, value in values.items()
        }
    )


def _join(label: str, value: str) -> str:
    is_plain = label[-1].isalpha() and "~" not in label and value[:1].isdigit()
    return f"{label}{'' if is_plain else '='}{value}"


def _choose(candidates: Mapping[_Key, Sequence[str]]) -> dict[_Key, str]:
    """Chooses for each key the first of its candidates that no other key takes or could take as early.

    All have equally many; a key whose candidates are used up gets the last one. The order of the keys does not matter.
    """
    chosen: dict[_Key, str] = {}
    used: set[str] = set()
    for level in zip(*candidates.values(), strict=True):
        written = {key: text for key, text in zip(candidates, level, strict=True) if key not in chosen}
        counts: dict[str, int] = {}
        for text in written.values():
            counts[text] = counts.get(text, 0) + 1
        chosen.update({key: text for key, text in written.items() if counts[text] == 1 and text not in used})
        used.update(chosen.values())
    return {key: chosen.get(key, texts[-1]) for key, texts in candidates.items()}


def _cut(text: str, identity: str, longest: int) -> str:
    return text if len(text) <= longest else _digested(text, identity, _SHORT_DIGEST, longest)


def _digested(text: str, identity: str, digits: int, longest: int) -> str:
    digest = hashlib.sha256(identity.encode("utf-8", "backslashreplace")).hexdigest()[:digits]
    return f"{text[: longest - digits - 1]}~{digest}"
