import pytest

from tg_mlflow.figures.labels import as_label


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("age", "age"),
        (3, "3"),
        ("two\n  lines\t", "two lines"),
        ("x" * 30, "x" * 30),
        ("workclass_of_the_person_is_Private", "workclass_of_t…rson_is_Private"),
        ("price in $", r"price in \$"),
        ("", "''"),
    ],
)
def test_a_name_is_one_short_line_without_formulas(name: object, label: str) -> None:
    assert as_label(name) == label


def test_the_longest_may_be_given() -> None:
    assert as_label("0123456789abc", 10) == "0123…89abc"
