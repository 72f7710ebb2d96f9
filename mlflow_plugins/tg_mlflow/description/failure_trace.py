"""Finds in a job's output what explains its failure: the end of the traceback, with the frames of the user's code."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tg.common.system.temporary_folder import TEMPORARY_PREFIX

# It is a part of a tag.
_LONGEST_TEXT = 3000
_LONGEST_LINE = 300
_MOST_MESSAGE_LINES = 8
_MOST_FRAMES = 12
_MOST_EXCEPTIONS = 3
# Of a traceback without a frame of the user's, so many frames are shown; of an output without a traceback, lines.
_LAST_FRAMES = 4
_LAST_LINES = 12
# A traceback with more behind it may be of an exception that was caught and logged.
_MOST_LINES_BEHIND = 20

# Something may stand before it, and before each line below: the mark of an exception group, the number of a process. Or
# only before it, such as a progress bar.
_HEAD = re.compile(r"(?P<prefix>.*?)Traceback \(most recent call last\):\s*")
_FRAME = re.compile(r'\s+File "(?P<path>.+?)", line \d+')
_MARKS = re.compile(r"\s*[~^]+\s*")
_CHAIN = re.compile(
    r"The above exception was the direct cause of the following exception:"
    r"|During handling of the above exception, another exception occurred:"
)
# What a task or we have logged, and what is recorded elsewhere.
_OWN_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} [A-Z]+: |###METRIC###")
# What cannot go on a message, such as the end of another process's traceback in one.
_NO_MESSAGE = re.compile(rf'{_OWN_LINE.pattern}|"""|\s*$')
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")

# Of compiled ones, a frame names the source where it was built.
_LIBRARY = re.compile(
    r"<frozen |.*/(?:site|dist)-packages/|.*/lib(?:64)?/python3\.\d+/|.*/tg/common/|.*/tg_mlflow/|.*\.p(?:yx|xi|xd)$"
)
# Where a job has its package, or a script the copy of its project: neither is there any more.
_JOB_FOLDER = re.compile(rf".*?/(?:[^/]+__[^/]+|{re.escape(TEMPORARY_PREFIX)}[^/]*/project)/")


@dataclass(frozen=True)
class FailureTrace:
    """What explains a failure.

    Attributes:
        heading: What it is.
        text: It, in several lines.
    """

    heading: str
    text: str


@dataclass(frozen=True)
class _Exception:
    """One traceback.

    Attributes:
        begin: The number of its first line.
        end: The number of the line behind it.
        frames: The lines of each frame.
        message: The lines of the exception.
    """

    begin: int
    end: int
    frames: Sequence[Sequence[str]]
    message: Sequence[str]

    @property
    def own_frames(self) -> list[Sequence[str]]:
        """The frames of the user's code."""
        return [frame for frame in self.frames if not _LIBRARY.match(_read_path(frame))]


def find_failure_trace(lines: Sequence[str]) -> FailureTrace | None:
    """Finds what explains the failure of a job in the end of its output.

    Frames of libraries, of Python and of ours are left out, unless there are no others. Exceptions that led to the last
    one come before it, if the user's code is in them. Without a traceback at the end, it is the last lines.

    Args:
        lines: The last lines of the output.

    Returns:
        ``None`` if there is no output.
    """
    lines = [_CONTROL.sub("", line)[:_LONGEST_LINE].rstrip() for line in lines]
    found = list(_read_exceptions(lines))
    if not found or found[-1].end < len(lines) - _MOST_LINES_BEHIND:
        last = [line for line in lines if line and not _OWN_LINE.match(line)][-_LAST_LINES:]
        return FailureTrace("The end of the log", _cut(last)) if last else None
    chain = _find_chain(found, lines)
    shown = [each for each in chain[:-1] if each.own_frames] + chain[-1:]
    if not any(each.own_frames for each in shown):
        frames = chain[-1].frames[-_LAST_FRAMES:]
        return FailureTrace("The end of the traceback", _cut([*_join(frames), *chain[-1].message]))
    text = [line for each in shown[-_MOST_EXCEPTIONS:] for line in ["", *_join(each.own_frames), *each.message]]
    left_out = sum(len(each.frames) - len(each.own_frames) for each in chain)
    others = "1 frame" if left_out == 1 else f"{left_out} frames"
    return FailureTrace(f"The traceback{f', without {others} of other code' if left_out else ''}", _cut(text[1:]))


def _read_exceptions(lines: Sequence[str]) -> Iterator[_Exception]:
    number = 0
    while number < len(lines):
        head = _HEAD.fullmatch(lines[number])
        begin, number = number, number + 1
        if head is None:
            continue
        frames, message = list[list[str]](), list[str]()
        for line in _read_body(lines[number:], head["prefix"]):
            if _FRAME.match(line) and not message:
                frames.append([line])
            elif line.startswith(" ") and frames and not message:
                frames[-1].append(line)
            elif _NO_MESSAGE.match(line) or _CHAIN.match(line) or len(message) == _MOST_MESSAGE_LINES:
                break
            else:
                message.append(line)
            number += 1
        if frames and message:
            yield _Exception(begin, number, frames, message)


def _read_body(lines: Sequence[str], prefix: str) -> Iterator[str]:
    """Yields the lines that begin as the traceback's first one does, without that."""
    prefix = prefix if lines and lines[0].startswith(prefix) else ""
    for line in lines:
        if not line.startswith(prefix) or _HEAD.fullmatch(line):
            return
        yield line[len(prefix) :]


def _find_chain(found: Sequence[_Exception], lines: Sequence[str]) -> list[_Exception]:
    """Finds the exceptions that led to the last one, and that one."""
    chain = [found[-1]]
    for each in reversed(found[:-1]):
        if not any(_CHAIN.search(line) for line in lines[each.end : chain[0].begin]):
            break
        chain.insert(0, each)
    return chain


def _join(frames: Sequence[Sequence[str]]) -> list[str]:
    """Returns the lines of the last frames, with the paths of files as they are in the project."""
    joined = list[str]()
    for frame in frames[-_MOST_FRAMES:]:
        path = _read_path(frame)
        place = frame[0].replace(path, _JOB_FOLDER.sub("", path, count=1), 1)
        joined += [place, *(line for line in frame[1:] if not _MARKS.fullmatch(line))]
    return joined


def _read_path(frame: Sequence[str]) -> str:
    found = _FRAME.match(frame[0])
    return found["path"] if found is not None else ""


def _cut(lines: Sequence[str]) -> str:
    """Joins as many of the last lines as a tag has room for."""
    text = "\n".join(lines)
    return text if len(text) <= _LONGEST_TEXT else f"…{text[-_LONGEST_TEXT + 1 :]}"
