import pytest

from tg_mlflow.description.failure_trace import find_failure_trace

# As jobs write them.
LINE = "2026-11-30 17:08:14.000001 ERROR: Job has failed: KeyError: 'b'"
PACKAGE = "/jobs/t-1/SingleFrameTrainingTask-0a/SingleFrameTrainingTask__0a"
PANDAS = "/venv/lib/python3.11/site-packages/pandas/core/frame.py"
IN_LIBRARY = f"""\
{LINE}
Traceback (most recent call last):
  File "{PANDAS}", line 3, in get_loc
    return self._engine.get_loc(key)
           ^^^^^^^^^^^^^^^^^^^^^^^^^
  File "pandas/_libs/index.pyx", line 201, in pandas._libs.index.get_loc
KeyError: 'b'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "{PACKAGE}/tg/common/delivery/sagemaker/runtime/entry_point.py", line 9, in main
    _run(folder)
  File "{PACKAGE}/models/failing.py", line 11, in look
    return frame["b"]
           ~~~~~^^^^^
  File "{PANDAS}", line 7, in __getitem__
    raise KeyError(key) from err
KeyError: 'b'
"""
CHAINED = """\
Traceback (most recent call last):
  File "/tmp/tg-mlflow-tmp-x1/project/load.py", line 3, in read
    open(path)
FileNotFoundError: [Errno 2] No such file or directory: 'a.csv'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "train.py", line 7, in <module>
    read()
  File "train.py", line 5, in read
    raise ValueError("no data:\\n  a.csv")
ValueError: no data:
  a.csv
"""
OF_A_WORKER = f"""\
multiprocessing.pool.RemoteTraceback:
\"\"\"
Traceback (most recent call last):
  File "/usr/lib/python3.11/multiprocessing/pool.py", line 125, in worker
    result = (True, func(*args, **kwds))
  File "{PACKAGE}/tasks.py", line 4, in square
    return 1 / 0
ZeroDivisionError: division by zero
\"\"\"

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/usr/lib/python3.11/multiprocessing/pool.py", line 774, in get
    raise self._value
ZeroDivisionError: division by zero
"""
GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "train.py", line 9, in <module>
  |     asyncio.run(main())
  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "train.py", line 4, in step
    |     raise ValueError("no luck")
    | ValueError: no luck
    +------------------------------------
"""
BEHIND_A_BAR = """\
 50%|#####     | 5/10Traceback (most recent call last):
  File "train.py", line 4, in <module>
    step()
ValueError: no luck
"""
OF_A_RANK = """\
[rank1]: Traceback (most recent call last):
[rank1]:   File "/home/me/points/train.py", line 4, in <module>
[rank1]:     step()
[rank1]: ValueError: no luck
"""


@pytest.mark.parametrize(
    ("output", "heading", "text"),
    [
        (
            IN_LIBRARY,
            "The traceback, without 4 frames of other code",
            '  File "models/failing.py", line 11, in look\n    return frame["b"]\nKeyError: \'b\'',
        ),
        (
            CHAINED,
            "The traceback",
            '  File "load.py", line 3, in read\n    open(path)\n'
            "FileNotFoundError: [Errno 2] No such file or directory: 'a.csv'\n\n"
            '  File "train.py", line 7, in <module>\n    read()\n'
            '  File "train.py", line 5, in read\n    raise ValueError("no data:\\n  a.csv")\n'
            "ValueError: no data:\n  a.csv",
        ),
        (
            OF_A_WORKER,
            "The traceback, without 2 frames of other code",
            '  File "tasks.py", line 4, in square\n    return 1 / 0\nZeroDivisionError: division by zero\n\n'
            "ZeroDivisionError: division by zero",
        ),
        (
            GROUP,
            "The traceback",
            '  File "train.py", line 4, in step\n    raise ValueError("no luck")\nValueError: no luck',
        ),
        (BEHIND_A_BAR, "The traceback", '  File "train.py", line 4, in <module>\n    step()\nValueError: no luck'),
        (
            OF_A_RANK,
            "The traceback",
            '  File "/home/me/points/train.py", line 4, in <module>\n    step()\nValueError: no luck',
        ),
    ],
)
def test_the_frames_of_the_users_code_are_shown(output: str, heading: str, text: str) -> None:
    trace = find_failure_trace([*"one\ntwo".splitlines(), *output.splitlines(), LINE])
    assert trace is not None
    assert (trace.heading, trace.text) == (heading, text)


def test_a_traceback_without_them_is_shown_all_the_same() -> None:
    frames = [line for number in range(6) for line in (f'  File "{PANDAS}", line {number}, in get', "    return 1")]
    trace = find_failure_trace(["Traceback (most recent call last):", *frames, "KeyError: 'b'"])
    assert trace is not None
    assert trace.heading == "The end of the traceback"
    assert trace.text == "\n".join([*frames[4:], "KeyError: 'b'"])


def test_a_traceback_that_was_logged_long_before_the_end_is_not_the_reason() -> None:
    behind = [f"epoch {number}" for number in range(30)]
    trace = find_failure_trace([*CHAINED.splitlines(), *behind, "###METRIC###loss:1###", LINE])
    assert trace is not None
    assert (trace.heading, trace.text) == ("The end of the log", "\n".join(behind[-12:]))
    assert find_failure_trace(["", LINE]) is None


def test_what_is_long_is_cut_and_what_no_page_shows_is_left_out() -> None:
    frame = ['  File "train.py", line 4, in step', f"    step({'x' * 400})"]
    trace = find_failure_trace(
        ["Traceback (most recent call last):", *frame * 40, "\x1b[31mValueError\x1b[0m: no\x00 luck"]
    )
    assert trace is not None
    assert len(trace.text) == 3000
    assert trace.text.startswith("…")
    assert trace.text.endswith(f"{'x' * 291}\nValueError: no luck")
