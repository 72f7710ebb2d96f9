"""A job that is interrupted and starts again: one clean curve, whatever is said again, and a timeline that says why."""

import json
import random
from collections.abc import Iterable, Sequence

import pytest

from tests.job_output import open_recorder, write_lines
from tests.memory_server import MemoryClient
from tg.common.delivery.sagemaker import LogEvent, format_metric_line
from tg.common.delivery.sagemaker.contract.job_lines import format_job_lines
from tg.common.delivery.sagemaker.contract.log_event import JobStep
from tg_mlflow.recording.recorder import RunRecorder
from tg_mlflow.tracking.events import read_events


@pytest.fixture
def client() -> MemoryClient:
    return MemoryClient(patience_seconds=0)


@pytest.fixture
def run_id(client: MemoryClient) -> str:
    return str(client.create_run("7").info.run_id)


def start(time_ms: int, attempt: int = 1) -> LogEvent:
    return LogEvent(b"".join(format_job_lines({"op": "start", "time": time_ms})), time_ms, attempt=attempt)


def say(name: str, value: float, time_ms: int, step: int | None = None, attempt: int = 1) -> LogEvent:
    return LogEvent(f"{format_metric_line(name, value, step)}\n".encode(), time_ms, attempt=attempt)


def come_to(status: str, time_ms: int, message: str = "") -> LogEvent:
    return LogEvent(f"{status}\n".encode(), time_ms, has_metrics=False, step=JobStep(status, message))


def record(client: MemoryClient, run_id: str, events: Iterable[LogEvent], written: int = 0) -> RunRecorder:
    with open_recorder(client, run_id, written) as recorder:
        for event in events:
            recorder.take(event)
    return recorder


def history(client: MemoryClient, run_id: str, name: str = "loss") -> list[tuple[int, float, int]]:
    """The points of a metric: step, value, time."""
    metrics = client._runs[run_id]["metrics"]
    return sorted((each.step, each.value, each.timestamp) for each in metrics if each.key == name)


def tags(client: MemoryClient, run_id: str) -> dict[str, str]:
    found: dict[str, str] = client.get_run(run_id).data.tags
    return found


INTERRUPTED = [come_to("Interrupted", 150, "reclaimed"), come_to("Restarting", 180), come_to("Training", 185)]


@pytest.mark.parametrize(
    "second",
    [
        [say("loss", 1.0, 200, attempt=2), say("loss", 0.5, 201, attempt=2), say("loss", 0.25, 202, attempt=2)],
        [say("loss", 0.5, 201, 1, attempt=2), say("loss", 0.25, 202, 2, attempt=2)],
        [say("loss", 0.25, 202, 2, attempt=2)],
    ],
    ids=["from the beginning, without steps", "from a checkpoint, with steps", "exactly where it was"],
)
def test_an_attempt_goes_on_where_the_run_is(client: MemoryClient, run_id: str, second: Sequence[LogEvent]) -> None:
    first = [start(100), say("loss", 1.0, 110), say("loss", 0.5, 111)]
    record(client, run_id, [*first, *INTERRUPTED, start(190, 2), *second])
    assert history(client, run_id) == [(0, 1.0, 110), (1, 0.5, 111), (2, 0.25, 202)]
    assert tags(client, run_id)["tg.attempts"] == "2"
    assert "tg.differing_metrics" not in tags(client, run_id)


def test_a_container_that_starts_again_goes_on_in_the_same_log_however_that_is_divided(
    client: MemoryClient, run_id: str
) -> None:
    def write(time_ms: int, values: Sequence[float]) -> bytes:
        return start(time_ms).data + b"".join(say("loss", value, 0).data for value in values)

    log = write(1, [1.0, 0.5]) + b"###METRIC###loss:0.2" + b"\n" + write(2, [1.0, 0.5, 0.25])
    for size in (1, 7, 64, len(log)):
        pieces = [log[place : place + size] for place in range(0, len(log), size)]
        run_id = str(client.create_run("7").info.run_id)
        record(client, run_id, [LogEvent(piece, 5) for piece in pieces])
        assert [point[:2] for point in history(client, run_id)] == [(0, 1.0), (1, 0.5), (2, 0.25)]
        assert tags(client, run_id)["tg.attempts"] == "2"


def test_a_point_that_differs_is_told_and_the_first_is_kept(
    client: MemoryClient, run_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = [start(100), *(say("loss", value, 110) for value in (1.0, float("nan"), 0.3))]
    again = [start(190, 2), *(say("loss", value, 200, attempt=2) for value in (1.0, float("nan"), 0.31, 0.2))]
    record(client, run_id, [*first, *again])
    assert [point[1] for point in history(client, run_id) if point[0] > 1] == [0.3, 0.2]
    difference = {"count": 1, "metric": "loss", "step": 2, "first": "0.3", "again": "0.31", "attempt": 2}
    assert json.loads(tags(client, run_id)["tg.differing_metrics"]) == difference
    (warning,) = [each for each in caplog.messages if "Attempt 2" in each]
    assert "loss is 0.31 at step 2, where an attempt before has said 0.3, which is kept" in warning


def test_several_values_at_one_step_are_compared_in_their_order(client: MemoryClient, run_id: str) -> None:
    first = [say("loss", value, 110, step) for step, value in ((0, 1.0), (1, 0.5), (0, 0.9), (1, 0.4))]
    again = [say("loss", value, 210, step, 2) for step, value in ((0, 1.0), (1, 0.5), (0, 0.9), (1, 0.4), (2, 0.3))]
    record(client, run_id, [*first, *again])
    assert [point[:2] for point in history(client, run_id)] == [(0, 0.9), (0, 1.0), (1, 0.4), (1, 0.5), (2, 0.3)]
    assert "tg.differing_metrics" not in tags(client, run_id)


def test_output_that_is_late_belongs_to_its_attempt(client: MemoryClient, run_id: str) -> None:
    record(
        client,
        run_id,
        [
            start(100),
            say("loss", 1.0, 110),
            *INTERRUPTED,
            start(190, 2),
            say("loss", 1.0, 200, attempt=2),
            say("loss", 0.5, 111, attempt=1),  # has come late
            say("loss", 0.5, 201, attempt=2),
        ],
    )
    assert history(client, run_id) == [(0, 1.0, 110), (1, 0.5, 111)]


def test_a_line_that_the_interruption_has_cut_is_no_unreadable_one(client: MemoryClient, run_id: str) -> None:
    cut = LogEvent(b"###METRIC###loss:0.", 111)
    record(client, run_id, [say("loss", 1.0, 110), cut, say("loss", 1.0, 200, attempt=2)])
    assert history(client, run_id) == [(0, 1.0, 110)]
    assert "tg.unreadable_metrics" not in tags(client, run_id)


def test_other_machines_begin_no_attempt(client: MemoryClient, run_id: str) -> None:
    other = LogEvent(b"algo-2 | " + start(101).data, 101, has_metrics=True, host="algo-2")
    record(client, run_id, [start(100), other, say("loss", 1.0, 110)])
    assert "tg.attempts" not in tags(client, run_id)


def test_another_job_of_the_run_is_another_attempt(client: MemoryClient, run_id: str) -> None:
    with open_recorder(client, run_id) as recorder:
        for events in ([start(100), say("loss", 1.0, 110)], [start(200), say("loss", 1.0, 210), say("loss", 0.5, 211)]):
            recorder.begin_job()
            for event in events:
                recorder.take(event)
    assert history(client, run_id) == [(0, 1.0, 110), (1, 0.5, 211)]
    assert tags(client, run_id)["tg.attempts"] == "2"


def test_calls_of_mlflow_are_checked_in_the_same_way(client: MemoryClient, run_id: str) -> None:
    def log(attempt: int, *points: tuple[str, float, int, int]) -> LogEvent:
        batches = [{"op": "batch", "run": "r", "params": [], "tags": [], "metrics": [list(point)]} for point in points]
        return LogEvent(write_lines([{"op": "begin", "run": "r"}, *batches]), 100 * attempt, attempt=attempt)

    first = log(1, ("loss", 1.0, 110, 0), ("loss", 0.5, 111, 1), ("acc", 0.1, 112, 0))
    again = log(2, ("loss", 1.0, 210, 0), ("loss", 0.4, 211, 1), ("acc", 0.2, 212, 1))
    record(client, run_id, [first, again])
    assert history(client, run_id, "loss") == [(0, 1.0, 110), (1, 0.5, 111)]
    assert history(client, run_id, "acc") == [(0, 0.1, 112), (1, 0.2, 212)]
    difference = json.loads(tags(client, run_id)["tg.differing_metrics"])
    assert difference == {"count": 1, "metric": "loss", "step": 1, "first": "0.5", "again": "0.4", "attempt": 2}


def test_a_process_that_takes_over_comes_to_the_same_run(client: MemoryClient, run_id: str) -> None:
    output = [
        *(start(100), say("loss", 1.0, 110), say("loss", 0.5, 111)),
        *INTERRUPTED,
        *(start(190, 2), say("loss", 1.0, 200, attempt=2), say("loss", 0.4, 201, attempt=2)),
        say("loss", 0.25, 202, attempt=2),
    ]
    half = sum(len(event.data) for event in output[:7])
    record(client, run_id, output[:7])
    client.timelines.clear()
    record(client, run_id, output, written=half)
    assert history(client, run_id) == [(0, 1.0, 110), (1, 0.5, 111), (2, 0.25, 202)]
    assert json.loads(tags(client, run_id)["tg.differing_metrics"])["count"] == 1
    assert [tuple(event) for event in read_events(client.get_run(run_id))[1:]] == [
        (100, "started", ""),
        (150, "interrupted", "reclaimed"),
        (180, "restarting", ""),
        (185, "training", ""),
        (190, "restarted", "attempt 2"),
    ]


@pytest.mark.parametrize(
    ("second", "lost", "on_machines"),
    [
        ([start(5_000, 2), say("loss", 1.0, 6_000, 0, 2), say("loss", 0.5, 8_500, 1, 2)], 6.5, 4.5),
        ([start(5_000, 2), say("loss", 1.0, 6_000, 0, 2), LogEvent(b"done\n", 9_000, attempt=2)], 7.0, 5.0),
        ([say("loss", 0.5, 8_500, 1, 2)], 6.5, 4.5),
    ],
    ids=["it goes on", "it says nothing new", "it does not say that it starts"],
)
def test_what_is_lost_goes_from_the_last_point_to_the_next_new_one(
    client: MemoryClient, run_id: str, second: Sequence[LogEvent], lost: float, on_machines: float
) -> None:
    first = [start(1_000), say("loss", 1.0, 2_000, 0)]
    interrupted = [come_to("Interrupted", 2_500), come_to("Starting", 2_501), come_to("Downloading", 4_500)]
    recorder = record(client, run_id, [*first, *interrupted, *second])
    assert history(client, run_id, "tg.lost_seconds") == [(0, lost, second[-1].time_ms)]
    assert recorder.lost_seconds == on_machines


@pytest.mark.parametrize(
    ("steps", "attempts"),
    [
        ("Interrupted Restarting Downloading Training Interrupted Starting Downloading", 3),
        ("Interrupted Starting Pending Interrupted Downloading Training", 3),
        ("Restarting Starting Training", 2),  # SageMaker's retry
        ("Interrupted Starting Stopping MaxWaitTimeExceeded", 2),
        ("Interrupted Stopping MaxWaitTimeExceeded", None),
        ("Uploading Completed", None),
    ],
)
def test_an_interruption_before_the_first_line_counts(
    client: MemoryClient, run_id: str, steps: str, attempts: int | None
) -> None:
    come = [come_to(status, 110 + number) for number, status in enumerate(["Training", *steps.split()])]
    last = [] if attempts is None else [start(190, 2)]
    record(client, run_id, [start(100), *come, *last])
    assert tags(client, run_id).get("tg.attempts") == (attempts and str(attempts))


@pytest.mark.parametrize("seed", range(20))
def test_a_training_that_is_interrupted_anywhere_has_the_points_of_one_that_was_not(
    client: MemoryClient, run_id: str, seed: int
) -> None:
    dice = random.Random(seed)
    lines = [("loss", 1 / (step + 1), step) for step in range(40)]
    lines = sorted([*lines, *(("accuracy", step / 40, step) for step in range(0, 40, 4))], key=lambda each: each[2])
    events, position, time_ms = list[LogEvent](), 0, 1_000
    for attempt in range(1, 6):
        events.append(start(time_ms, attempt))
        last = len(lines) if attempt == 5 else dice.randint(position, len(lines))
        for name, value, step in lines[position:last]:
            time_ms += 10
            events.append(say(name, value, time_ms, step, attempt))
        position = dice.randint(0, last)  # what the last checkpoint has
        # A step is resumed from its beginning.
        while position and position < len(lines) and lines[position - 1][2] == lines[position][2]:
            position -= 1
    record(client, run_id, events)
    assert [point[:2] for point in history(client, run_id)] == [(step, 1 / (step + 1)) for step in range(40)]
    assert [point[:2] for point in history(client, run_id, "accuracy")] == [(n, n / 40) for n in range(0, 40, 4)]
    assert "tg.differing_metrics" not in tags(client, run_id)
