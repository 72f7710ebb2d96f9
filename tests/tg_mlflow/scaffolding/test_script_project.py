"""What is said of a script, and the files of its project."""

import json
from pathlib import Path

import pytest
import yaml

from tests.text_file import write_text
from tests.tg_mlflow.scaffolding.guessing import find_notes, guess, guess_main
from tg_mlflow.errors import ProjectError
from tg_mlflow.scaffolding.script_project import guess_script_project

RATE = b"import argparse\np = argparse.ArgumentParser()\np.add_argument('--rate', type=float, default=0.5)\n"


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + RATE,
        b"# -*- coding: latin-1 -*-\nname = 'M\xfcller'\n" + RATE,
        RATE.replace(b"\n", b"\r\n"),
        RATE + b"if p:\n\tprint('a\\d')\n",
    ],
)
def test_a_script_is_read_as_python_reads_it(tmp_path: Path, content: bytes, recwarn: pytest.WarningsRecorder) -> None:
    (tmp_path / "train.py").write_bytes(content)
    assert '"python train.py --rate {rate}"' in guess_script_project(tmp_path, Path("train.py")).files["MLproject"]
    assert [str(each.message) for each in recwarn] == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"print 'hello'\n", "train.py is not Python 3."),
        (b"def f(:\n", "train.py is not Python 3."),
        (b"if x:\n\ty = 1\n        z = 1\n", "line 3: inconsistent use of tabs and spaces in indentation; correct it"),
        (b"name = 'M\xfcller'\n", "is not in the encoding that it declares"),
        (b"x = 1\0\n", "source code string cannot contain null bytes; correct it, or give another script"),
        (b"x = " + b"(" * 300 + b")" * 300, "train.py is not Python 3."),
    ],
)
def test_what_is_no_script_is_an_error_of_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "train.py").write_bytes(content)
    with pytest.raises(ProjectError) as caught:
        guess_script_project(tmp_path, Path("train.py"))
    text = str(caught.value)
    assert message in text
    assert "\n" not in text


def test_a_script_has_to_be_one_of_the_folder(tmp_path: Path) -> None:
    write_text(tmp_path / "fit.py", "pass")
    write_text(tmp_path / "fit.ipynb", "{}")
    write_text(tmp_path / "fit.sh", "true")
    (tmp_path / "project").mkdir()
    for folder, name, message in [
        (tmp_path, "train.py", f"there is no script 'train.py'; '{tmp_path}' has 'fit.py'"),
        (tmp_path, "fit.ipynb", "'fit.ipynb' is a notebook; save it as a script: jupyter nbconvert --to script"),
        (tmp_path, "fit.sh", "'fit.sh' is no Python script (.py); write an MLproject with its command"),
        (tmp_path / "project", "../fit.py", "'../fit.py' is not in the project's folder"),
    ]:
        with pytest.raises(ProjectError) as caught:
            guess_script_project(folder, Path(name))
        assert str(caught.value).startswith(message)


def test_nothing_of_a_script_is_run(tmp_path: Path) -> None:
    guess(tmp_path, f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\nimport helper\n")
    write_text(tmp_path / "helper.py", f"open({str(tmp_path / 'ran')!r}, 'w')")
    guess(tmp_path, "import helper\n")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["helper.py", "train.py"]


@pytest.mark.parametrize(
    ("name", "text", "command"),
    [
        ("my train.py", "pass", "python 'my train.py'"),
        ("{x}.py", "pass", "python '{{x}}.py'"),
        ("steps/train.py", "pass", "python steps/train.py"),
        ("steps/train.py", "from .data import load", "python -m steps.train"),
        ("steps/train.py", "from steps.data import load", "python -m steps.train"),
        ("steps/train.py", "import beside\nimport steps.data", "python steps/train.py"),
        ("train.py", "from steps.data import load", "python train.py"),
    ],
)
def test_the_command_names_the_script(tmp_path: Path, name: str, text: str, command: str) -> None:
    for module in ("data", "beside"):
        write_text(tmp_path / "steps" / f"{module}.py", "pass")
    assert yaml.safe_load(guess(tmp_path, text, name).files["MLproject"])["entry_points"]["main"]["command"] == command


def test_what_reads_the_command_line_in_other_ways_is_said(tmp_path: Path) -> None:
    project = guess(tmp_path, "import sys\nalpha = float(sys.argv[1])\n")
    assert find_notes(project, "arguments") == [
        "sys.argv is read in line 2, so none are guessed; complete the command and the parameters in MLproject"
    ]
    project = guess(tmp_path, "import typer\n\ndef main(rate: float = 0.5): ...\n\ntyper.run(main)\n")
    assert find_notes(project, "arguments") == [
        "typer reads them, so none are guessed; -P name=… gives the script --name …"
    ]


def test_metrics_that_are_logged_with_mlflow_are_not_taken_from_the_output_too(tmp_path: Path) -> None:
    text = "print(f'loss: {x}')\n"
    project = guess(tmp_path, text)
    assert list(json.loads(project.files["tg.json"])["metric_regexes"]) == ["loss"]
    assert find_notes(project, "metrics") == ["loss: found in what is printed, by metric_regexes in tg.json"]
    project = guess(tmp_path, f"import mlflow\nfrom mlflow import log_metric\n{text}log_metric('loss', x)\n")
    assert list(project.files) == ["MLproject"]
    assert find_notes(project, "MLflow") == ["log_metric: recorded as they are"]
    project = guess(tmp_path, f"import mlflow.sklearn\nmlflow.sklearn.autolog()\n{text}")
    assert list(project.files) == ["MLproject"]


def test_what_imported_modules_of_the_project_print_and_log_counts_as_the_scripts_own(tmp_path: Path) -> None:
    write_text(tmp_path / "steps" / "__init__.py", "")
    write_text(tmp_path / "steps" / "fit.py", "from . import loop\nimport broken")
    write_text(tmp_path / "steps" / "loop.py", "import train\nprint(f'loss: {x}')")
    write_text(tmp_path / "broken.py", "print 1")
    project = guess(tmp_path, "from steps.fit import run\n")
    assert list(json.loads(project.files["tg.json"])["metric_regexes"]) == ["loss"]
    write_text(tmp_path / "steps" / "loop.py", "import mlflow\nprint(f'loss: {x}')\nmlflow.log_metric('loss', x)")
    assert list(guess(tmp_path, "from steps.fit import run\n").files) == ["MLproject"]


@pytest.mark.parametrize(
    ("files", "keys", "written"),
    [
        ({"python_env.yaml": "", "requirements.txt": ""}, {"python_env": "python_env.yaml"}, []),
        ({"conda.yaml": ""}, {"conda_env": "conda.yaml"}, []),
        ({"environment.yml": ""}, {"conda_env": "environment.yml"}, []),
        ({"requirements.txt": ""}, {"python_env": "python_env.yaml"}, ["python_env.yaml"]),
        ({"requirements.txt": "", "pyproject.toml": ""}, {}, []),
        ({}, {}, []),
    ],
)
def test_a_declared_environment_is_named_as_mlflow_wants_it(
    tmp_path: Path, files: dict[str, str], keys: dict[str, str], written: list[str]
) -> None:
    for name, text in files.items():
        write_text(tmp_path / name, text)
    project = guess(tmp_path, "pass")
    content = yaml.safe_load(project.files["MLproject"])
    assert {key: content[key] for key in content if key.endswith("_env")} == keys
    assert [name for name in project.files if name.endswith("env.yaml")] == written
    if written:
        assert yaml.safe_load(project.files["python_env.yaml"]) == {"dependencies": ["-r requirements.txt"]}


def test_what_is_not_here_is_said(tmp_path: Path) -> None:
    text = "import pandas\nimport not_installed_here\nimport own\npandas.read_csv('data/x.csv')\n"
    write_text(tmp_path / "own.py", "pass")
    project = guess(tmp_path, text)
    assert find_notes(project, "libraries") == ["pandas, not_installed_here"]
    assert find_notes(project, "missing") == [
        "not_installed_here: not installed here; install it, or list it in a requirements.txt",
        "data/x.csv, which the script reads",
    ]
    write_text(tmp_path / "data" / "x.csv", "a")
    write_text(tmp_path / "requirements.txt", "not_installed_here")
    assert find_notes(guess(tmp_path, text), "missing") == []


def test_a_channel_of_sagemaker_that_the_script_wants_is_said(tmp_path: Path) -> None:
    project = guess(
        tmp_path,
        "import os\nprint(os.environ['SM_CHANNEL_TRAIN'], os.environ['SM_MODEL_DIR'])\nos.environ.get('SM_CHANNEL_X')",
    )
    assert find_notes(project, "missing") == [
        "the channel 'train', which the script reads; name its folder in tg.json: " + '{"channels": {"train": "data"}}'
    ]


@pytest.mark.parametrize(
    ("text", "is_refused"),
    [
        ("import click\n\nNAME = 'x'\n\n@click.command()\ndef main(): ...\n", True),
        ("'Says what.'\nclass Model: ...\n", True),
        ("def main(): ...\n\nif __name__ == '__main__':\n    main()\n", False),
        ("def main(): ...\n\nresult = main()\n", False),
        ("import training\n", False),  # which may train
    ],
)
def test_a_script_that_would_do_nothing_is_refused(tmp_path: Path, text: str, is_refused: bool) -> None:
    if not is_refused:
        guess(tmp_path, text)
        return
    with pytest.raises(ProjectError) as caught:
        guess(tmp_path, text)
    assert str(caught.value) == (
        "train.py only defines functions or classes, so a run of it would do nothing; call what trains at the end, "
        'below if __name__ == "__main__":'
    )


def test_the_project_is_named_after_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "my café (2)"
    folder.mkdir()
    assert guess(folder, "pass").files["MLproject"].splitlines()[0] == "name: my_caf_2"
    assert guess_main(folder, "pass") == ("python train.py", {})
