"""Makes checks one after another, each within its time."""

import contextvars
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tg.common import TgError
from tg.common.exception_text import describe_exception
from tg_mlflow.diagnosis.check import Check, Finding, Outcome


@dataclass(frozen=True)
class Examined:
    """What was found of one thing.

    Attributes:
        subject: What it belongs to, such as the name of a place.
        name: What was checked.
        finding: What was found.
    """

    subject: str
    name: str
    finding: Finding


def examine(subject: str, checks: Iterable[Check], is_asked_for: bool = True) -> Iterator[Examined]:
    """Makes checks; yields what each has found as soon as it is known.

    Args:
        subject: What the checks belong to.
        checks: The checks, in an order in which each comes after those that it needs.
        is_asked_for: Whether the user has named the subject. If not, it may be one that is not used here.
    """
    lacking: set[str] = set()
    for check in checks:
        if missing := next((name for name in check.needs if name in lacking), None):
            lacking.add(check.name)
            yield Examined(subject, check.name, Finding.skipped(f"not checked, as it needs {missing}"))
            continue
        finding = _look(check)
        if finding.outcome is Outcome.PROBLEM:
            lacking.add(check.name)
            if check.decides_use and not is_asked_for:
                yield Examined(subject, check.name, replace(finding, outcome=Outcome.WARNING))
                again = f"`tg-mlflow doctor --backend {subject}` checks it"
                yield Examined(subject, "the rest", Finding.skipped(f"{subject} cannot be used here as it is; {again}"))
                return
        yield Examined(subject, check.name, finding)


def _look(check: Check) -> Finding:
    """Makes a check in a thread of its own, which is left behind if it hangs: that of a command ends with it."""
    found: list[Finding] = []
    context = contextvars.copy_context()
    thread = threading.Thread(target=lambda: found.append(context.run(_find, check)), daemon=True)
    thread.start()
    thread.join(check.seconds)
    return found[0] if found else Finding.problem(f"no answer within {check.seconds:g} s", check.silence_remedy)


def _find(check: Check) -> Finding:
    try:
        return check.look()
    except TgError as error:
        return Finding.of_error(error)
    except Exception as error:  # noqa: BLE001 - a check that is wrong itself must not keep the others from being made
        return Finding.warning(f"the check itself has failed: {describe_exception(error)}")
