"""What is guessed from argparse."""

from pathlib import Path

import pytest

from tests.tg_mlflow.scaffolding.guessing import find_notes, guess, guess_entry_points, guess_main

FLAG = "left to the script (line 3): it is a flag; to set it, add it to the command in MLproject"


def with_argument(argument: str) -> str:
    return (
        "import argparse\n"
        "parser = argparse.ArgumentParser()\n"
        f"parser.add_argument({argument})\n"
        "args = parser.parse_args()\n"
    )


@pytest.mark.parametrize(
    ("argument", "words", "parameters"),
    [
        ("'--alpha', type=float, default=0.5", " --alpha {alpha}", {"alpha": {"type": "float", "default": 0.5}}),
        ("'--alpha', type=float, default=1", " --alpha {alpha}", {"alpha": {"type": "float", "default": 1.0}}),
        ("'--rate', type=float, default=1e-05", " --rate {rate}", {"rate": {"type": "float", "default": 1e-05}}),
        ("'--n', type=int, default='3'", " --n {n}", {"n": {"type": "int", "default": 3}}),
        ("'--name', default='001'", " --name {name}", {"name": {"default": "001"}}),
        ("'--name', default=''", " --name {name}", {"name": {"default": ""}}),
        ("'--name', default='yes'", " --name {name}", {"name": {"default": "yes"}}),
        ("'--text', default='a\\nb: {c}'", " --text {text}", {"text": {"default": "a\nb: {c}"}}),
        ("'--password', required=True, default='x'", " --password {password}", {"password": {"type": "string"}}),
        ("'--shift', default='-v'", " --shift={shift}", {"shift": {"default": "-v"}}),
        ("'-n', type=int, default=-1", " -n {n}", {"n": {"type": "int", "default": -1}}),
        ("'-r', '--learning-rate', type=float, default=0.1", " --learning-rate {learning_rate}", None),
        ("'--lr', dest='rate', type=float, default=0.1", " --lr {rate}", None),
        ("'--lambda', type=float, default=0.1", " --lambda {lambda}", None),
        ("'--a.b', type=int, default=1", " --a.b {a_b}", {"a_b": {"type": "int", "default": 1}}),
        ("'--solver', choices=['a', 'b'], default='b'", " --solver {solver}", {"solver": {"default": "b"}}),
        ("'--out', type=Path, default=Path('runs')", " --out {out}", {"out": {"default": "runs"}}),
        ("'--on', type=lambda text: text == 'yes', default='no'", " --on {on}", {"on": {"default": "no"}}),
        ("'--data', required=True", " --data {data}", {"data": {"type": "string"}}),
        ("'--on', type=bool, required=True", " --on {on}", {"on": {"type": "string"}}),
        ("'data'", " {data}", {"data": {"type": "string"}}),
        ("'data', type=argparse.FileType('r')", " {data}", {"data": {"type": "path"}}),
        ("'data', nargs='?', default='x'", " {data}", {"data": {"default": "x"}}),
        ("'files', nargs='+'", " {files}", {"files": {"type": "string"}}),
    ],
)
def test_an_argument_becomes_a_parameter(
    tmp_path: Path, argument: str, words: str, parameters: dict[str, object] | None
) -> None:
    command, found = guess_main(tmp_path, with_argument(argument))
    assert command == f"python train.py{words}"
    assert parameters is None or found == parameters


@pytest.mark.parametrize(
    ("argument", "subject", "note"),
    [
        ("'--fast', action='store_true'", "--fast", FLAG),
        ("'--fast', action=argparse.BooleanOptionalAction, default=True", "--fast", FLAG),
        ("'-v', '--verbose', action='count', default=0", "--verbose", FLAG),
        (
            "'--seed', default=3",
            "--seed",
            "left to the script (line 3): its default 3 would not be the same if it were given as text; "
            "-P seed=… gives another",
        ),
        (
            "'--on', type=lambda text: text == 'True', default=True",
            "--on",
            "left to the script (line 3): its default True would not be the same if it were given as text; "
            "-P on=… gives another",
        ),
        (
            "'--on', type=bool, default=False",
            "--on",
            "left to the script (line 3): it takes any text for True; to set it, add it to the command in MLproject",
        ),
        (
            "'--max-depth', type=int",
            "--max-depth",
            "left to the script (line 3): it has no default; -P max-depth=… gives another",
        ),
        (
            "'--out', default=os.environ['OUT']",
            "--out",
            "left to the script (line 3): its default is computed; -P out=… gives another",
        ),
        (
            "'--layers', type=int, nargs='+', default=[64, 32]",
            "--layers",
            "left to the script (line 3): it takes several values; to set it, add it to the command in MLproject",
        ),
        (
            "'--size', type=int, nargs=2, required=True",
            "--size",
            "left to the script (line 3): it takes 2 values; to set it, add it to the command in MLproject",
        ),
        (
            "'--tag', action='append', default=[]",
            "--tag",
            "left to the script (line 3): it takes several values; to set it, add it to the command in MLproject",
        ),
        (
            "'--depth', type=int, choices=[1, 2], default=3",
            "--depth",
            "left to the script (line 3): its default 3 would not be the same if it were given as text; "
            "-P depth=… gives another",
        ),
        (
            "'--api-token', default='hunter2'",
            "--api-token",
            "left to the script (line 3): it may be a secret; -P api-token=… gives another",
        ),
        (
            "'rest', nargs=argparse.REMAINDER",
            "rest",
            "left to the script (line 3): it takes several values; to set it, add it to the command in MLproject",
        ),
        ("f'--{name}', default=1", "arguments", "the name of the argument in line 3 is computed, so it is left out"),
    ],
)
def test_what_could_change_a_value_is_left_to_the_script_and_said(
    tmp_path: Path, argument: str, subject: str, note: str
) -> None:
    project = guess(tmp_path, with_argument(argument))
    assert 'command: "python train.py"' in project.files["MLproject"]
    assert find_notes(project, subject) == [note]


def test_parsers_are_found_in_functions_classes_and_groups(tmp_path: Path) -> None:
    command, _ = guess_main(
        tmp_path,
        """
        from argparse import ArgumentParser

        RATE = 0.25

        class Options:
            def __init__(self):
                self.parser = ArgumentParser()
                self.parser.add_argument("--epochs", type=int, default=5)
                group = self.parser.add_argument_group("more")
                group.add_argument("--rate", type=float, default=RATE)
                self.parser.add_argument_group("chained").add_argument("--seed", type=int, default=1)
                self.add_rest(self.parser)

            def add_rest(self, parser):
                parser.add_argument("data")
                either = parser.add_mutually_exclusive_group()
                either.add_argument("--l1", type=float, default=0.1)
                either.add_argument("--l2", type=float, default=0.2)

        Options().parser.parse_args()
        """,
    )
    assert command == "python train.py {data} --epochs {epochs} --rate {rate} --seed {seed}"


@pytest.mark.parametrize("order", [1, -1])
def test_defaults_of_the_parser_count(tmp_path: Path, order: int) -> None:
    text = "\n".join(["p.add_argument('--rate', type=float, default=0.1)", "p.set_defaults(rate=0.7)"][::order])
    assert guess_main(tmp_path, text)[1] == {"rate": {"type": "float", "default": 0.7}}


def test_subcommands_become_entry_points(tmp_path: Path) -> None:
    text = """
    import argparse

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data", default="x")
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    commands = parser.add_subparsers(dest="command", required=True)
    part = commands.add_parser("evaluate", parents=[common])
    part.add_argument("model")
    part = commands.add_parser("train", parents=[common])
    part.add_argument("--rate", type=float, default=0.1)
    """
    assert {name: each["command"] for name, each in guess_entry_points(tmp_path, text).items()} == {
        "main": "python train.py --seed {seed} train --data {data} --rate {rate}",
        "evaluate": "python train.py --seed {seed} evaluate {model} --data {data}",
    }
    project = guess(tmp_path, text)
    assert project.command == "mlflow run . --backend tg-process"
    assert find_notes(project, "evaluate") == ["a subcommand, entry point 'evaluate'; mlflow run . -e evaluate runs it"]


@pytest.mark.parametrize(
    ("names", "chosen"), [(["test", "train"], "train"), (["train", "main"], "main"), (["eval", "test"], "eval")]
)
def test_the_subcommand_that_is_most_likely_the_training_is_main(tmp_path: Path, names: list[str], chosen: str) -> None:
    text = "\n".join(f"commands.add_parser({name!r}).add_argument('--n', type=int, default=1)" for name in names)
    found = guess_entry_points(tmp_path, text)
    assert found["main"]["command"] == f"python train.py {chosen} --n {{n}}"
    assert len(found) == 2


def test_a_list_that_is_parsed_in_place_of_the_command_line_takes_no_parameters(tmp_path: Path) -> None:
    project = guess(tmp_path, with_argument("'--rate', type=float, default=0.1").replace("_args()", "_args(args=[])"))
    assert 'command: "python train.py"' in project.files["MLproject"]
    assert find_notes(project, "arguments") == ["none: line 4 parses a list of its own, whatever is given"]


def test_a_parser_in_a_module_beside_the_script_is_read(tmp_path: Path) -> None:
    (tmp_path / "options.py").write_text(with_argument("'--rate', type=float, default=0.1"))
    project = guess(tmp_path, "from options import args\n")
    assert '"python train.py --rate {rate}"' in project.files["MLproject"]
    assert find_notes(project, "arguments") == ["read from options.py, which train.py imports"]


@pytest.mark.parametrize("options", ["", ", type=str", ", type=Path", ", type=argparse.FileType()"])
def test_a_default_that_is_a_file_travels_and_one_that_is_not_here_is_text(tmp_path: Path, options: str) -> None:
    text = with_argument(f"'--data', default='x.csv'{options}")
    assert guess_main(tmp_path, text)[1] == {"data": {"default": "x.csv"}}
    (tmp_path / "x.csv").write_text("a\n1\n")
    assert guess_main(tmp_path, text)[1] == {"data": {"type": "path", "default": "x.csv"}}
