"""The sections of a run's description, in their order: one function each, from the run's own data.

What a new tag says joins as a function here, and in :data:`SECTIONS`.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import PurePath, PurePosixPath
from typing import TypeAlias

from mlflow.entities import DatasetInput, RunStatus

from tg_mlflow.description.durations import format_duration, format_time
from tg_mlflow.description.facts import RunFacts
from tg_mlflow.description.markdown import escape, format_block, link_run
from tg_mlflow.description.metric_tables import tabulate_folds, tabulate_metrics
from tg_mlflow.description.progress import Progress
from tg_mlflow.tracking.state import find_state
from tg_mlflow.tracking.tags import (
    ADVICE_TAG,
    ATTEMPTS_TAG,
    CHECKPOINTS_TAG,
    COST_METRIC,
    DIFFERING_METRICS_TAG,
    EXIT_CODE_TAG,
    FAILURE_REASON_TAG,
    JOB_ID_TAG,
    LOST_SECONDS_METRIC,
    MISSING_LOG_TAG,
    MISSING_TAG,
    NOT_UPLOADED_TAG,
    PACKAGE_SHA256_TAG,
    PLACE_TAG,
    REGISTERED_TAG,
    REPRODUCED_BY_TAG,
    REPRODUCES_TAG,
    RESUMED_FROM_TAG,
    RESUMED_STEP_TAG,
    SIGNAL_TAG,
    STOP_REASON_TAG,
    VERDICT_TAG,
)
from tg_mlflow.tracking.training_data import is_channel

# Returns its Markdown; ``None`` if there is nothing to say.
Section: TypeAlias = Callable[[RunFacts], str | None]

_LONGEST_SENTENCE = 600
_MOST_PICTURES = 12
_MOST_DATASETS = 3
_MOST_MODELS = 3


def describe_state(facts: RunFacts) -> str:
    """Says whether the training goes on, or how it has ended, where, and how long it took."""
    start, place = facts.run.info.start_time, facts.run.data.tags.get(PLACE_TAG)
    at = "" if place is None else f" at {escape(place)}"
    if not facts.has_ended:
        return f"**In progress**{at} since {format_time(start)}." + _describe_progress(facts)
    word = {"FINISHED": "Finished", "FAILED": "Failed", "KILLED": "Killed"}[facts.status]
    reason = _read_reason(facts)
    told = "." if reason is None else f": {escape(reason, _LONGEST_SENTENCE)}"
    seconds = ((facts.run.info.end_time or facts.now_ms) - start) / 1000
    reached = "" if facts.status == _FINISHED else _describe_reached(facts.progress)
    return f"**{word}**{at} after {format_duration(seconds)}{reached}{told}"


def describe_trace(facts: RunFacts) -> str | None:
    """Shows the end of the traceback of a training that has failed."""
    if facts.trace is None or facts.status != _FAILED:
        return None
    log = f"[logs/train.log]({_link(facts, 'logs/train.log')})"
    return f"{facts.trace.heading} ({log} has all):\n\n{format_block(facts.trace.text)}"


def describe_job(facts: RunFacts) -> str | None:
    """Says how often its job was started, how it has ended, what it has cost, and what is wrong with its machine."""
    tags, metrics = facts.run.data.tags, facts.run.data.metrics
    parts = []
    if ATTEMPTS_TAG in tags:
        lost = metrics.get(LOST_SECONDS_METRIC)
        parts.append(
            f"Its job was started {escape(tags[ATTEMPTS_TAG])} times"
            + ("." if lost is None else f", which has cost {format_duration(lost)}.")
        )
    if DIFFERING_METRICS_TAG in tags:
        differing = _read_json(tags[DIFFERING_METRICS_TAG])
        count, step, name = (escape(str(differing.get(key, "?"))) for key in ("count", "step", "metric"))
        parts.append(f"Values that another attempt has said otherwise: {count}, the first of {name} at step {step}.")
    if facts.status == _FAILED and EXIT_CODE_TAG in tags:
        signal = f", {escape(tags[SIGNAL_TAG])}" if SIGNAL_TAG in tags else ""
        parts.append(f"Exit code: {escape(tags[EXIT_CODE_TAG])}{signal}.")
    if COST_METRIC in metrics:
        parts.append(f"Cost{'' if facts.has_ended else ' so far'}: {metrics[COST_METRIC]:.2f} USD.")
    if ADVICE_TAG in tags:
        parts.append(f"Advice: {escape(tags[ADVICE_TAG], _LONGEST_SENTENCE)}.")
    return " ".join(parts) or None


def describe_resumption(facts: RunFacts) -> str | None:
    """Says which run and which step it goes on from, and how to go on from its own checkpoints."""
    tags, parts = facts.run.data.tags, []
    if RESUMED_FROM_TAG in tags:
        step = f", from step {escape(tags[RESUMED_STEP_TAG])}" if RESUMED_STEP_TAG in tags else ""
        parts.append(f"It goes on from {_link_run(facts, tags[RESUMED_FROM_TAG])}{step}.")
    elif RESUMED_STEP_TAG in tags:
        parts.append(f"Its job went on from the checkpoint of step {escape(tags[RESUMED_STEP_TAG])}.")
    if facts.has_ended and facts.status != _FINISHED and CHECKPOINTS_TAG in tags:
        kept = (
            f"Its checkpoints are kept in {escape(tags[CHECKPOINTS_TAG], _LONGEST_SENTENCE)}. Go on from the last one:"
        )
        parts.append(f"{kept}\n\n{format_block(f'tg-mlflow resume {facts.run.info.run_id}')}")
    return "\n\n".join(parts) or None


def describe_metrics(facts: RunFacts) -> str | None:
    """Shows the metrics; of several splits, their mean and standard deviation."""
    tables = [tabulate_folds(facts.folds, len(facts.fold_names)), tabulate_metrics(facts.metrics)]
    return "\n\n".join(table for table in tables if table) or None


def describe_dataset(facts: RunFacts) -> str | None:
    """Names the data, with their size and digest as far as they are known."""
    known = [] if facts.run.inputs is None else sorted(facts.run.inputs.dataset_inputs, key=is_channel)
    parts, state = [*map(_describe_dataset, known)], find_state(facts.run.data.tags)
    # It is logged when the job has ended.
    if state is not None and state.dataset is not None and all(map(is_channel, known)):
        parts.insert(0, f"**{escape(PurePath(state.dataset).name)}**")
    more = f", and {len(parts) - _MOST_DATASETS} more" if len(parts) > _MOST_DATASETS else ""
    return f"Trained on {'; '.join(parts[:_MOST_DATASETS])}{more}." if parts else None


def describe_figures(facts: RunFacts) -> str | None:
    """Links to figures among the artifacts."""
    if not facts.pictures:
        return None
    links = [f"[{_name_picture(path)}]({_link(facts, path)})" for path in facts.pictures[:_MOST_PICTURES]]
    is_cut = facts.has_more_pictures or len(facts.pictures) > _MOST_PICTURES
    more = ["more among the artifacts"] if is_cut else []
    return f"Figures: {', '.join([*links, *more])}."


def describe_models(facts: RunFacts) -> str | None:
    """Says how to load the models."""
    outputs = [] if facts.run.outputs is None else facts.run.outputs.model_outputs
    ids = list(dict.fromkeys(each.model_id for each in outputs))
    if not ids:
        return None
    lines = [f'mlflow.pyfunc.load_model("models:/{model_id}")' for model_id in ids[-_MOST_MODELS:]]
    what = "the model" if len(ids) == 1 else f"the last {_MOST_MODELS} of {len(ids)} models"
    what = "the models" if 1 < len(ids) <= _MOST_MODELS else what
    return f"Load {what} with `import mlflow` and:\n\n{format_block(chr(10).join(lines), 'python')}"


def describe_registration(facts: RunFacts) -> str | None:
    """Says what has become of the registration of the model."""
    outcome = facts.run.data.tags.get(REGISTERED_TAG)
    return None if outcome is None else f"Registry: {escape(outcome, _LONGEST_SENTENCE)}."


def describe_verdicts(facts: RunFacts) -> str | None:
    """Says which run it reproduces, or which one reproduces it, and whether that has led to the same."""
    tags, parts = facts.run.data.tags, []
    if REPRODUCES_TAG in tags:
        verdict = f": {escape(tags[VERDICT_TAG], _LONGEST_SENTENCE)}" if VERDICT_TAG in tags else ""
        parts.append(f"It trains {_link_run(facts, tags[REPRODUCES_TAG])} again{verdict}.")
    if REPRODUCED_BY_TAG in tags:
        run_id, _, verdict = tags[REPRODUCED_BY_TAG].partition(": ")
        parts.append(f"Trained again by {_link_run(facts, run_id)}: {escape(verdict, _LONGEST_SENTENCE)}.")
    return "\n\n".join(parts) or None


def describe_reproduction(facts: RunFacts) -> str | None:
    """Says how to train it again, which takes its package."""
    if not facts.has_ended or PACKAGE_SHA256_TAG not in facts.run.data.tags:
        return None
    return f"Train it again, and compare:\n\n{format_block(f'tg-mlflow reproduce {facts.run.info.run_id}')}"


def describe_gaps(facts: RunFacts) -> str | None:
    """Says what the run lacks."""
    tags = facts.run.data.tags
    told = {
        NOT_UPLOADED_TAG: "Not complete",
        MISSING_LOG_TAG: "The log is not whole",
        MISSING_TAG: "Could not be drawn or logged",
    }
    lines = [f"{word}: {escape(tags[tag], _LONGEST_SENTENCE)}" for tag, word in told.items() if tag in tags]
    return "\n\n".join(lines) or None


SECTIONS: Sequence[Section] = (
    describe_state,
    describe_trace,
    describe_job,
    describe_resumption,
    describe_metrics,
    describe_dataset,
    describe_figures,
    describe_models,
    describe_registration,
    describe_verdicts,
    describe_reproduction,
    describe_gaps,
)

_FINISHED = RunStatus.to_string(RunStatus.FINISHED)
_FAILED = RunStatus.to_string(RunStatus.FAILED)
_KILLED = RunStatus.to_string(RunStatus.KILLED)


def _read_reason(facts: RunFacts) -> str | None:
    tag = {_FAILED: FAILURE_REASON_TAG, _KILLED: STOP_REASON_TAG}.get(facts.status)
    tags = facts.run.data.tags
    if tag is None or tag not in tags:
        return None
    return tags[tag].removeprefix(f"job {tags.get(JOB_ID_TAG)} has failed: ")


def _describe_progress(facts: RunFacts) -> str:
    progress = facts.progress
    if progress is None or not progress.done:
        return ""
    text = f" By {format_time(progress.time_ms, with_date=False)}, {_name_step(progress)} was done"
    if progress.left_seconds is None:
        return f"{text}."
    end = progress.time_ms + progress.left_seconds * 1000
    is_same_day = format_time(end)[:10] == format_time(progress.time_ms)[:10]
    about = f"about {format_duration(progress.left_seconds)}"
    return f"{text}; the rest takes {about}, until {format_time(end, with_date=not is_same_day)}."


def _describe_reached(progress: Progress | None) -> str:
    return "" if progress is None or not progress.done else f", when {_name_step(progress)} was done"


def _name_step(progress: Progress) -> str:
    return f"{escape(progress.unit)} {progress.done:,} of {progress.of:,}"


def _describe_dataset(given: DatasetInput) -> str:
    dataset = given.dataset
    details = [*_describe_size(dataset.profile, dataset.schema), f"digest {escape(dataset.digest)}"]
    return f"**{escape(dataset.name)}** ({', '.join(details)})"


def _describe_size(profile: str | None, schema: str | None) -> list[str]:
    """Reads what our datasets, and those of MLflow's own kinds, say of their size."""
    size = list[str]()
    rows = _read_json(profile).get("num_rows")
    columns = _read_json(schema).get("mlflow_colspec")
    if isinstance(rows, int):
        size.append(f"{rows:,} rows")
    if isinstance(columns, list):
        size.append(f"{len(columns)} columns")
    return size


def _read_json(text: str | None) -> dict[str, object]:
    try:
        content = json.loads(text or "{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _name_picture(path: str) -> str:
    return escape(PurePosixPath(path.removeprefix("figures/")).with_suffix(""))


def _link_run(facts: RunFacts, run_id: str) -> str:
    return f"run [{escape(run_id)}]({link_run(facts.run.info.experiment_id, run_id)})"


def _link(facts: RunFacts, artifact: str) -> str:
    return link_run(facts.run.info.experiment_id, facts.run.info.run_id, artifact)
