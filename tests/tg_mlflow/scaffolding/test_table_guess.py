"""What is guessed from a table."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.tg_mlflow.scaffolding.guessing import find_notes
from tg.common import TgError
from tg_mlflow.errors import ProjectError
from tg_mlflow.scaffolding.table_guess import guess_table
from tg_mlflow.scaffolding.table_project import guess_table_project

COUNT = 100
NUMBERS = np.random.default_rng(0).normal(size=COUNT)


def write_table(folder: Path, **columns: object) -> Path:
    path = folder / "x.csv"
    pd.DataFrame({"a": NUMBERS, **columns}).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("values", "kind", "reason"),
    [
        (["no", "yes"] * 50, "binary_classification", "'y' has 2 values that are no numbers"),
        ([True, False] * 50, "binary_classification", "'y' has 2 values that are no numbers"),
        ([0, 1] * 50, "binary_classification", "'y' has 2 different whole numbers, at most 10"),
        ([1.0, 2.0] * 50, "binary_classification", "'y' has 2 different whole numbers, at most 10"),
        (list("abcd") * 25, "multiclass_classification", "'y' has 4 values that are no numbers"),
        (list(range(10)) * 10, "multiclass_classification", "'y' has 10 different whole numbers, at most 10"),
        (list(range(20)) * 5, "regression", "'y' has 20 different numbers"),
        ([0.5, 1.5] * 50, "regression", "'y' has numbers that are not whole"),
    ],
)
def test_the_kind_of_task_follows_from_the_target(tmp_path: Path, values: list[object], kind: str, reason: str) -> None:
    guess = guess_table(write_table(tmp_path, y=values), "y")
    assert (guess.kind, guess.reason) == (kind, reason)


@pytest.mark.parametrize(
    ("names", "target"),
    [
        (["Label"], "Label"),
        (["y"], "y"),
        (["y", "class"], "class"),
        (["label", "target"], None),
        (["labels"], None),
    ],
)
def test_a_column_is_the_target_by_its_name_if_it_is_the_only_one(
    tmp_path: Path, names: list[str], target: str | None
) -> None:
    path = write_table(tmp_path, **dict.fromkeys(names, [0, 1] * 50))
    if target is not None:
        assert guess_table(path, None).target == target
        return
    with pytest.raises(ProjectError) as caught:
        guess_table(path, None)
    assert str(caught.value).startswith("say which column is to be predicted, as in --target ")


def test_few_rows_of_many_whole_numbers_are_no_classes(tmp_path: Path) -> None:
    path = write_table(tmp_path, y=[1, 2] * 50)
    pd.read_csv(path).head(10).assign(y=range(10)).to_csv(path, index=False)
    assert guess_table(path, "y").kind == "regression"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([f"name {number}" for number in range(COUNT)], "the column 'y' is text with 100 different values in 100 rows"),
        (["a"] * COUNT, "the column 'y' of '{path}' has the same value in all rows"),
        (["2024-01-01", "2024-01-02"] * 50, "the column 'y' holds times, which no model predicts; make it a number"),
        ([1.0, None] * 50, "the column 'y' has no value in 50 of 100 rows; drop these rows, or fill them"),
    ],
)
def test_a_target_that_nothing_can_learn_is_an_error(tmp_path: Path, values: list[object], message: str) -> None:
    path = write_table(tmp_path, y=values)
    with pytest.raises(ProjectError) as caught:
        guess_table(path, "y")
    assert str(caught.value).startswith(message.format(path=path))


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        ("a;b\n1;2\n", "b", "the columns of '{path}' are divided by ';'; write it with commas"),
        ("a,b\n1,2\n", None, "say which column is to be predicted, as in --target b: there is 'a', 'b'"),
        ("age,b\n1,2\n", "Age", "'{path}' has no column 'Age'; did you mean 'age'?"),
        ("a,b\n1,2\n", "b", "'{path}' has 1 rows; give a table of 10 or more"),
        ("a,b\n1,2,3\n", "b", "the dataset '{path}' cannot be read as CSV"),
        ("y\n" + "1\n2\n" * 20, "y", "no column of '{path}' is left to learn from: there is but one"),
        (
            "n,y\n" + "".join(f"{n},{n % 2}\n" for n in range(20)),
            "y",
            "no column of '{path}' is left to learn from: 'n'",
        ),
    ],
)
def test_a_table_that_says_nothing_is_an_error(tmp_path: Path, text: str, target: str | None, message: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(TgError) as caught:
        guess_table(path, target)
    assert str(caught.value).startswith(message.format(path=path))
    assert "\n" not in str(caught.value)


def test_columns_from_which_nothing_can_be_learned_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    names = [f"name {number}" for number in range(COUNT)]
    columns = {"row": range(5, COUNT + 5), "name": names, "empty": [None] * COUNT, "list": [[1]] * COUNT}
    pd.DataFrame({"a": NUMBERS, **columns, "y": [0, 1] * 50}).to_parquet(path)
    guess = guess_table(path, "y")
    assert guess.features == ["a"]
    assert {name: reason.partition(" ")[0:3:2] for name, reason in guess.excluded.items()} == {
        "row": ("it", "numbers the rows"),
        "name": ("its", "text is another in each row"),
        "empty": ("it", "has no values"),
        "list": ("it", guess.excluded["list"].removeprefix("it ")),
    }


@pytest.mark.parametrize(
    ("rare", "splitter", "metrics"),
    [
        (20, 'stratify_by="y"', ".add_sklearn(roc_auc_score).add_sklearn(accuracy_score, threshold=0.5)"),
        (3, 'stratify_by="y"', ".add_sklearn(accuracy_score, threshold=0.5)"),
        (1, "", ".add_sklearn(accuracy_score, threshold=0.5)"),
    ],
)
def test_classes_with_few_rows_are_not_asked_for_more_than_they_can_say(
    tmp_path: Path, rare: int, splitter: str, metrics: str
) -> None:
    path = write_table(tmp_path, y=[1] * rare + [0] * (COUNT - rare))
    text = guess_table_project(tmp_path, path, "y").files["tasks.py"]
    assert f"splitter=sft.FoldSplitter({splitter})," in text
    assert f"metrics_pool=sft.MetricPool(){metrics}," in text


def test_data_are_copied_where_the_task_finds_them_unless_they_are_there(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    path = write_table(tmp_path, y=[0, 1] * 50)
    project = guess_table_project(folder, path, "y")
    assert project.copies == {"datasets/shop/x.csv": path}
    assert find_notes(project, "data") == ["copied to datasets/shop/x.csv, which is what is read from now on"]
    there = folder / "datasets" / "shop" / "x.csv"
    there.parent.mkdir(parents=True)
    path.rename(there)
    assert guess_table_project(folder, there, "y").copies == {}


def test_a_folder_of_tables_is_one_but_not_the_projects_own(tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    tables.mkdir()
    path = write_table(tables, y=[0, 1] * 50)
    assert guess_table_project(tmp_path / "shop", tables, "y").copies == {"datasets/shop/tables": tables}
    with pytest.raises(ProjectError) as caught:
        guess_table_project(tables, tables, "y")
    assert (
        str(caught.value) == f"the folder '{tables}' has the project in it; put its tables into a folder of their own"
    )
    assert guess_table_project(tables, path, "y").copies == {"datasets/tables/x.csv": path}


def test_names_are_written_as_python_reads_them(tmp_path: Path) -> None:
    name = 'the "price" {€} \\'
    path = write_table(tmp_path, **{name: NUMBERS})
    text = guess_table_project(tmp_path, path, name).files["tasks.py"]
    compile(text, "tasks.py", "exec")
    assert 'DataFrameLoader("the \\"price\\" {€} \\\\")' in text
