import pytest

from tg_mlflow.errors import ProjectError
from tg_mlflow.project.train_command import parse_train_command, parse_train_words


def test_a_command_names_a_factory_and_its_arguments() -> None:
    command = parse_train_command("tg-mlflow train tasks:build_task max_iter={n} C={C}", {"n": "10", "C": "0.5"})
    assert (command.module, command.factory, command.target) == ("tasks", "build_task", "tasks:build_task")
    assert command.arguments == {"max_iter": "10", "C": "0.5"}


@pytest.mark.parametrize("value", ["a b", "'", '"', "$(touch x)", "; ls", "a=b", "{braces}", "", "ü\n", "\\"])
def test_a_value_is_neither_quoted_nor_split(value: str) -> None:
    assert parse_train_command("tg-mlflow train t:f text={text}", {"text": value}).arguments == {"text": value}


def test_words_may_be_quoted_in_the_command() -> None:
    command = parse_train_command("""tg-mlflow train pkg.tasks:build "a=1 2" b='{b}'""", {"b": "x y"})
    assert command.target == "pkg.tasks:build"
    assert command.arguments == {"a": "1 2", "b": "x y"}


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("python train.py", "'python train.py' is not ours; write it as 'tg-mlflow train MODULE:FACTORY"),
        ("", "'' is not ours"),
        ("tg-mlflow train", "names no factory"),
        ("tg-mlflow train tasks", "'tasks' is not of the form MODULE:FACTORY"),
        ("tg-mlflow train tasks:", "'tasks:' is not of the form MODULE:FACTORY"),
        ("tg-mlflow train t:f x", "'x' is not of the form name=value"),
        ("tg-mlflow train t:f --x=1", "'--x=1' is not of the form name=value"),
        ("tg-mlflow train t:f x=1 x=2", "argument 'x' is given twice; give it once"),
        ("tg-mlflow train t:f x={y}", "has a placeholder that no parameter fills: 'y'; declare it"),
        ("tg-mlflow train t:f x='1", "cannot be divided into words: No closing quotation"),
    ],
)
def test_other_commands_are_refused(command: str, message: str) -> None:
    with pytest.raises(ProjectError) as caught:
        parse_train_command(command, {"x": "1"})
    assert message in str(caught.value)


def test_words_from_a_shell_are_taken_as_they_are() -> None:
    assert parse_train_words("tasks:build", ["name={x} y"]).arguments == {"name": "{x} y"}
