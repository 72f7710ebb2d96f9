"""The verdict on a training that was to reproduce another one."""

import dataclasses
import json
from dataclasses import dataclass

from tg_mlflow.comparison.differences import Comparison, Difference, MetricDifference, PredictionDifference
from tg_mlflow.comparison.run_comparison import compare
from tg_mlflow.comparison.run_record import RunRecord

_FINISHED = "FINISHED"
# How many are named in a line; the artifact has all.
_MOST_NAMED = 3
_NO_CAUSE = (
    "nothing that both runs have recorded explains it: look for seeds, for the order of threads, and for data from "
    "elsewhere"
)


@dataclass(frozen=True)
class Verdict:
    """Whether a run has come to the same as the one that it was to reproduce.

    Attributes:
        reproduced_id: That one.
        run_id: The run.
        reproduced_status: How that one has ended; unless it is FINISHED, only what it has is compared.
        outcomes: In what the results differ, the first difference first.
        causes: What could explain it.
        unknown: What at least one run has not recorded, of the results and of the causes.
        metric_count: How many metrics are the same.
        point_count: How many points are the same.
        has_predictions: Whether both have predictions.
    """

    reproduced_id: str
    run_id: str
    reproduced_status: str
    outcomes: tuple[Difference, ...]
    causes: tuple[Difference, ...]
    unknown: tuple[Difference, ...]
    metric_count: int
    point_count: int
    has_predictions: bool

    @property
    def is_identical(self) -> bool:
        """Whether there are results to compare, and all are the same to the last digit."""
        return not self.outcomes and bool(self.point_count or self.has_predictions)

    @property
    def summary(self) -> str:
        """The verdict in one line."""
        if self.outcomes:
            return f"differs first in {describe(self.outcomes[0])}; {self._explain()}"
        if not self.is_identical:
            return "nothing to compare: there are neither metrics nor predictions that both runs have"
        points = f"{_count(self.point_count, 'point')} of {_count(self.metric_count, 'metric')}"
        compared = [*([points] if self.point_count else []), *(["the predictions"] if self.has_predictions else [])]
        is_whole = self.reproduced_status == _FINISHED
        ended = "" if is_whole else f", which is all that the run has, as it is {self.reproduced_status}"
        return f"identical to the last digit: {' and '.join(compared)}{ended}"

    def _explain(self) -> str:
        if not self.causes:
            return _NO_CAUSE
        more = len(self.causes) - _MOST_NAMED
        named = "; ".join(describe(each) for each in self.causes[:_MOST_NAMED])
        return f"what could explain it: {named}{f'; and {more:,} more' if more > 0 else ''}"

    def format_text(self) -> str:
        """Writes the verdict as lines."""
        word = "reproduces" if self.is_identical else "and"
        lines = [f"Run {self.run_id} {word} run {self.reproduced_id}: {self.summary}"]
        if self.outcomes:
            lines[0] = f"Run {self.run_id} does not reproduce run {self.reproduced_id}"
            lines += ["  it differs in", *(f"    {describe(each)}" for each in self.outcomes)]
            lines += ["  what could explain it", *(f"    {describe(each)}" for each in self.causes)]
            lines += [] if self.causes else [f"    {_NO_CAUSE}"]
        elif self.causes:
            lines += ["  although these differ", *(f"    {describe(each)}" for each in self.causes)]
        if self.unknown:
            lines += [
                "  at least one of them has not recorded",
                *(f"    {each.kind} {each.name}" for each in self.unknown),
            ]
        return "\n".join(lines)

    def format_json(self) -> str:
        """Writes the verdict with all differences as JSON."""
        content = {
            "reproduces": self.reproduced_id,
            "run_id": self.run_id,
            "identical": self.is_identical,
            "verdict": self.summary,
            "equal_metrics": self.metric_count,
            "equal_points": self.point_count,
            **{
                name: [dataclasses.asdict(each) for each in differences]
                for name, differences in (
                    ("outcomes", self.outcomes),
                    ("causes", self.causes),
                    ("not_recorded", self.unknown),
                )
            },
        }
        return json.dumps(content, indent=1, ensure_ascii=False)


def judge(reproduced: RunRecord, run: RunRecord) -> Verdict:
    """Compares a run with the one that it was to reproduce.

    Of one that has not FINISHED, only what it has counts: the other run goes on where it has ended.
    """
    comparison, status = compare(reproduced, run), reproduced.run.info.status
    known = [each for each in comparison.differences if not each.not_recorded]
    unknown = [each for each in comparison.differences if each.not_recorded]
    goes_on = [each for each in known if status != _FINISHED and _is_beyond(each)]
    outcomes = [each for each in comparison.outcomes if each in known and each not in goes_on]
    # That a training has not come to its end is what matters most then.
    has_failed = run.run.info.status != _FINISHED
    kinds = [*(["status"] if has_failed else []), "metric", "predictions", "status"]
    outcomes.sort(key=lambda each: (kinds.index(each.kind), getattr(each, "step", 0), each.name))
    metrics = [each for each in goes_on if isinstance(each, MetricDifference) and each.equal_points]
    return Verdict(
        reproduced_id=reproduced.run.info.run_id,
        run_id=run.run.info.run_id,
        reproduced_status=status,
        outcomes=tuple(outcomes),
        causes=tuple(each for each in comparison.causes if each in known),
        unknown=tuple(unknown),
        metric_count=comparison.equal_metrics + len(metrics),
        point_count=comparison.equal_points + sum(each.equal_points for each in metrics),
        has_predictions=_has_same_predictions(reproduced, run, comparison),
    )


def _is_beyond(difference: Difference) -> bool:
    """Whether a result is only one of the later run."""
    return difference.kind == "status" or (difference.kind in ("metric", "predictions") and difference.first is None)


def _has_same_predictions(first: RunRecord, second: RunRecord, comparison: Comparison) -> bool:
    return bool(first.predictions and second.predictions) and not any(
        each.kind == "predictions" for each in comparison.differences
    )


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def describe(difference: Difference) -> str:
    """Writes a difference in one line."""
    first, second = ("nothing" if each is None else each for each in (difference.first, difference.second))
    if isinstance(difference, MetricDifference):
        return f"{difference.name} at step {difference.step}: {first} and {second}"
    if isinstance(difference, PredictionDifference):
        return f"{difference.name}, {difference.column!r} of row {difference.row:,}: {first} and {second}"
    return f"{difference.kind} {difference.name}: {first} and {second}"
