import pytest

from tg.common.delivery.sagemaker import LogEvent
from tg_mlflow.console import Console, Verbosity
from tg_mlflow.console.user_names import UserNames

JOB = "/home/me/.local/state/tg-mlflow/jobs/net-2026-12-01-03-46-50-109bc127/Net-b2a42235/Net__b2a42235"
IN_JOB = f"""\
Traceback (most recent call last):
  File "{JOB}/tasks.py", line 8, in run
    prepare()
  File "/opt/tg/Net-b2a42235/Net__b2a42235/helper/outer.py", line 5, in prepare
    fit()
  File "/tmp/tg-mlflow-tmp-5ae7nf0v/project/train.py", line 4, in fit
    raise TableError
  File "/usr/lib/python3/dist-packages/numpy/core.py", line 1, in dot
Net__b2a42235.helper.tables.TableError: of <class 'Net__b2a42235.tasks.Net'>
  an open line"""
FOR_USERS = """\
Traceback (most recent call last):
  File "tasks.py", line 8, in run
    prepare()
  File "helper/outer.py", line 5, in prepare
    fit()
  File "train.py", line 4, in fit
    raise TableError
  File "/usr/lib/python3/dist-packages/numpy/core.py", line 1, in dot
helper.tables.TableError: of <class 'tasks.Net'>
  an open line"""


def test_a_traceback_has_files_and_modules_of_the_project() -> None:
    names = UserNames()
    assert (names.feed(IN_JOB.encode()) + names.finish()).decode() == FOR_USERS


@pytest.mark.parametrize("size", [1, 7, 50])
def test_frames_that_come_in_pieces_have_them_too(size: int) -> None:
    names, data = UserNames(), IN_JOB.encode()
    pieces = [names.feed(data[start : start + size]) for start in range(0, len(data), size)]
    text = (b"".join(pieces) + names.finish()).decode()
    assert [line for line in text.splitlines() if "File" in line] == [
        line for line in FOR_USERS.splitlines() if "File" in line
    ]


def test_names_that_only_look_so_stay() -> None:
    text = 'clf__C.x my__init__.py "/a/b__c/d" net__b2a42235 and __b2a42235.x and File "/home/me/x__y/a.py"\n'
    names = UserNames()
    assert names.feed(text.encode()).decode() == text


def test_the_whole_log_has_what_the_job_has(capsys: pytest.CaptureFixture[str]) -> None:
    for verbosity, shown in ((Verbosity.NORMAL, FOR_USERS), (Verbosity.VERBOSE, IN_JOB)):
        console = Console(verbosity)
        console.show(LogEvent(IN_JOB.encode(), 0))
        console.finish()
        assert capsys.readouterr().out == shown
