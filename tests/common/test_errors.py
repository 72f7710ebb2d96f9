import inspect

import pytest

from tg.common import errors
from tg.common.errors import TgError, listed, suggestion


@pytest.mark.parametrize(
    ("name", "known", "text"),
    [
        ("datset", ["dataset", "tags"], "did you mean 'dataset'?"),
        ("c", ["max_iter", "C"], "did you mean 'C'?"),
        ("MAX_ITER", ["max_iter", "C"], "did you mean 'max_iter'?"),
        ("zzz", ["a", "b"], "there is 'a', 'b'"),
        ("zzz", [], "there is nothing"),
    ],
)
def test_a_mistyped_name_gets_a_suggestion_or_the_choices(name: str, known: list[str], text: str) -> None:
    assert suggestion(name, known) == text


def test_many_choices_are_cut() -> None:
    assert listed(range(4), most=2) == "0, 1, …"
    assert listed([]) == "nothing"


def test_the_tree_is_the_one_that_is_drawn() -> None:
    drawn = inspect.getdoc(errors) or ""
    classes = [each for each in vars(errors).values() if inspect.isclass(each) and issubclass(each, TgError)]
    assert len(classes) == 17
    for each in classes:
        (line,) = [line for line in drawn.splitlines() if f" {each.__name__} " in line or line.strip() == each.__name__]
        depth = len([base for base in each.__mro__[1:] if issubclass(base, TgError)])
        assert line.index(each.__name__) == 4 + 4 * depth
