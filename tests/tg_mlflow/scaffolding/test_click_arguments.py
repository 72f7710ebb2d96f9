"""What is guessed from click."""

from pathlib import Path

import pytest

from tests.tg_mlflow.scaffolding.guessing import find_notes, guess, guess_entry_points, guess_main


def with_decorator(decorator: str) -> str:
    return f"import click\n\n@click.command()\n@{decorator}\ndef main(**options):\n    pass\n\nmain()\n"


@pytest.mark.parametrize(
    ("decorator", "words", "parameters"),
    [
        ("click.option('--rate', default=0.1)", " --rate {rate}", {"rate": {"type": "float", "default": 0.1}}),
        ("click.option('--n', default=3)", " --n {n}", {"n": {"type": "int", "default": 3}}),
        ("click.option('--n', type=click.INT, default='3')", " --n {n}", {"n": {"type": "int", "default": 3}}),
        ("click.option('--n', type=click.IntRange(1), default=3)", " --n {n}", {"n": {"type": "int", "default": 3}}),
        ("click.option('--on', default=False)", " --on {on}", {"on": {"default": "False"}}),
        ("click.option('-lr', '--learning_rate', default=0.1)", " --learning_rate {learning_rate}", None),
        ("click.option('--max-iter', 'steps', default=5)", " --max-iter {steps}", None),
        ("click.option('-n', default=1)", " -n {n}", {"n": {"type": "int", "default": 1}}),
        ("click.option('--data', required=True)", " --data {data}", {"data": {"type": "string"}}),
        ("click.option('--how', type=click.Choice(['a', 'b']), default='a')", " --how {how}", None),
        ("click.option('--data', type=click.Path(exists=True), required=True)", None, {"data": {"type": "path"}}),
        ("click.argument('data', type=click.File())", " {data}", {"data": {"type": "path"}}),
        ("click.argument('output', type=click.Path())", " {output}", {"output": {"type": "string"}}),
        ("click.argument('data', default='x')", " {data}", {"data": {"default": "x"}}),
    ],
)
def test_an_option_becomes_a_parameter(
    tmp_path: Path, decorator: str, words: str | None, parameters: dict[str, object] | None
) -> None:
    command, found = guess_main(tmp_path, with_decorator(decorator))
    assert words is None or command == f"python train.py{words}"
    assert parameters is None or found == parameters


@pytest.mark.parametrize(
    ("decorator", "subject", "reason"),
    [
        ("click.option('--fast', is_flag=True)", "--fast", "it is a flag"),
        ("click.option('--fast/--slow', default=True)", "--fast", "it is a flag"),
        ("click.option('--upper', 'case', flag_value='upper')", "--upper", "it is a flag"),
        ("click.option('--rate', type=float)", "--rate", "it has no default"),
        ("click.option('--tag', multiple=True)", "--tag", "it takes several values"),
        ("click.option('--size', nargs=2, default=(1, 2))", "--size", "it takes 2 values"),
        ("click.option('--at', default=lambda: 1)", "--at", "its default is computed"),
        ("click.argument('files', nargs=-1)", "files", "it takes several values"),
    ],
)
def test_what_could_change_a_value_is_left_to_the_script(
    tmp_path: Path, decorator: str, subject: str, reason: str
) -> None:
    project = guess(tmp_path, with_decorator(decorator))
    assert 'command: "python train.py"' in project.files["MLproject"]
    assert [note.partition(": ")[2].partition(";")[0] for note in find_notes(project, subject)] == [reason]


def test_commands_of_a_group_become_entry_points(tmp_path: Path) -> None:
    text = """
    import click

    @click.group()
    @click.option("--seed", default=1)
    def cli(seed):
        pass

    @cli.command()
    @click.argument("data")
    @click.option("--rate", default=0.1)
    def fit(data, rate):
        pass

    @cli.command("make-data")
    @click.option("--rows", default=10)
    def make(rows):
        pass

    if __name__ == "__main__":
        cli()
    """
    assert {name: each["command"] for name, each in guess_entry_points(tmp_path, text).items()} == {
        "main": "python train.py --seed {seed} fit {data} --rate {rate}",
        "make-data": "python train.py --seed {seed} make-data --rows {rows}",
    }
    assert guess(tmp_path, text).command == "mlflow run . --backend tg-process -P data=…"


def test_commands_of_a_group_that_is_made_by_a_call_become_entry_points(tmp_path: Path) -> None:
    text = """
    import click

    cli = click.Group()

    @click.command()
    @click.option("--rate", default=0.1)
    def fit(rate):
        pass

    cli.add_command(fit)
    cli()
    """
    assert guess_main(tmp_path, text)[0] == "python train.py fit --rate {rate}"


def test_of_several_commands_the_one_that_is_called_counts(tmp_path: Path) -> None:
    text = """
    import click

    @click.command()
    @click.option("--rows", default=10)
    def prepare(rows):
        pass

    @click.command()
    @click.option("--rate", default=0.1)
    def train(rate):
        pass

    if __name__ == "__main__":
        train()
    """
    assert guess_main(tmp_path, text)[0] == "python train.py --rate {rate}"
    assert find_notes(guess(tmp_path, text), "arguments") == ["of its commands, 'train' is taken"]
