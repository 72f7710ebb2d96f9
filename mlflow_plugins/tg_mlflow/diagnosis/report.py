"""Writes what checks have found, as lines for people and as JSON."""

import json
from collections.abc import Iterable, Iterator, Sequence

from tg.common.secrets import SecretMask
from tg_mlflow.diagnosis.check import Outcome
from tg_mlflow.diagnosis.examination import Examined

_WIDTH = max(len(each.value) for each in Outcome)


def format_lines(examined: Iterable[Examined], mask: SecretMask) -> Iterator[str]:
    """Yields a line for each finding and each remedy as they come, below the name of its subject, and a summary."""
    subject, counts = None, dict.fromkeys(Outcome, 0)
    for each in examined:
        if each.subject != subject:
            subject = each.subject
            yield subject
        counts[each.finding.outcome] += 1
        yield f"  {each.finding.outcome.value:<{_WIDTH}}  {each.name}: {_write_line(each.finding.found, mask)}"
        if each.finding.remedy is not None:
            yield f"  {'':<{_WIDTH}}  -> {_write_line(each.finding.remedy, mask)}"
    yield ", ".join(_count(counts[each], each.value) for each in (Outcome.PROBLEM, Outcome.WARNING))


def format_json(examined: Sequence[Examined], mask: SecretMask) -> str:
    """Writes all findings as one JSON object."""
    checks = [
        {
            "subject": each.subject,
            "check": each.name,
            "outcome": each.finding.outcome.value,
            "found": mask.mask(each.finding.found),
            "remedy": None if each.finding.remedy is None else mask.mask(each.finding.remedy),
        }
        for each in examined
    ]
    return json.dumps({"is_ok": not has_problem(examined), "checks": checks}, indent=2)


def has_problem(examined: Iterable[Examined]) -> bool:
    """Whether anything is a problem."""
    return any(each.finding.outcome is Outcome.PROBLEM for each in examined)


def _write_line(text: str, mask: SecretMask) -> str:
    return " ".join(mask.mask(text).split())


def _count(number: int, name: str) -> str:
    return f"{number or 'no'} {name}{'' if number == 1 else 's'}"
