"""A launcher, and whoever takes over from it, killed at random moments: the history of the run is as if nothing was."""

import bisect
import random
import shutil
from collections import Counter
from pathlib import Path

from mlflow import MlflowClient

from tests.kill_scene import KillScene
from tests.launcher import attach
from tests.support import ProjectFolder, all_runs
from tests.tracking_server import TrackingServer

POINTS = 20_000
NAMES = ("loss", "val/accuracy", "learning rate", "time.per-step")
OWN_TIME = 1_700_000_000_000
KILLS = {
    "sqlite": ["import"] + ["start"] * 2 + ["training"] * 11 + ["end"] * 3 + ["upload"] * 3,
    "postgresql": ["start"] + ["training"] * 6 + ["end", "upload"],
}

# Says 2,000 points a second, in bursts: with steps and times of its own in all combinations, or without. The weights
# are large, so that their upload can be met.
TASKS = f"""
    import os
    import sys
    import time

    from tg.common.ml.training_core import AbstractTrainingTask

    NAMES = {NAMES}
    FIELDS = ("###", "###step:{{step}}###", "###time:{{time}}###", "###step:{{step}};time:{{time}}###")


    class Talkative(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            for index in range({POINTS}):
                ending = FIELDS[index // 4 % 4].format(step=index // 10, time={OWN_TIME} + index)
                sys.stdout.write(f"###METRIC###{{NAMES[index % 4]}}:{{index / 7!r}}{{ending}}\\n")
                if index % 20 == 19:
                    sys.stdout.flush()
                    time.sleep(0.01)
                if index % 400 == 399:
                    time.sleep(0.35)
            environment.store_artifact([], "weights", os.urandom(20_000_000))


    def build_task():
        return Talkative()
"""

Point = tuple[str, int, float, int]


def expect_points(job: Path) -> "list[Point]":
    """Says which points a run has that was never interrupted, from what the task does and the times in a job's folder.

    Returns:
        Name, step, value, and milliseconds since 1970 of each.
    """
    written = [[int(number) for number in line.split()] for line in (job / "train.times").read_text().splitlines()]
    ends = [end for _, end in written]
    points: list[Point] = []
    counts: Counter[str] = Counter()
    position = 0
    for line in (job / "train.log").read_bytes().splitlines(keepends=True):
        position += len(line)
        if not line.startswith(b"###METRIC###"):
            continue
        index = len(points)
        name, has_step, has_time = NAMES[index % 4], index // 4 % 4 in (1, 3), index // 4 % 4 in (2, 3)
        read_at = written[bisect.bisect_left(ends, position)][0]
        step = index // 10 if has_step else counts[name]
        points.append((name, step, index / 7, OWN_TIME + index if has_time else read_at))
        counts[name] += 1
    return points


def read_points(client: MlflowClient, run_id: str) -> "list[Point]":
    return [
        (name, point.step, point.value, point.timestamp)
        for name in client.get_run(run_id).data.metrics
        for point in client.get_metric_history(run_id, name)
    ]


def test_kills_at_random_moments_leave_no_trace_in_the_history(
    project: ProjectFolder, any_store: str, any_server: TrackingServer, tmp_path: Path
) -> None:
    project.write("tasks.py", TASKS)
    project.write("tg.json", "{}")
    project.write("MLproject", "name: p\nentry_points: {main: {command: 'tg-mlflow train tasks:build_task'}}")
    seed = random.randrange(1_000_000)
    scene = KillScene(project, any_server, tmp_path, random.Random(seed))
    kills = KILLS["sqlite" if any_store.startswith("sqlite") else "postgresql"]
    for stage in kills:
        if stage in ("end", "upload"):
            scene.wait_for_the_job()
        scene.kill("end" if stage == "training" and scene.is_job_over else stage)
    told = "\n".join([f"seed {seed}", *scene.kills])
    assert len(scene.kills) == len(kills)
    assert sum("training" in kill and "running" in kill for kill in scene.kills) >= 3, told

    assert scene.job is not None, told
    kept = shutil.copytree(scene.job, tmp_path / "kept", ignore=shutil.ignore_patterns("output"))  # a FIFO
    assert scene.run is not None, told
    run_id = scene.run.info.run_id
    result = attach(run_id, tmp_path)
    assert result.returncode == 0, f"{told}\n{result.stderr}"
    client = MlflowClient(any_server.uri)
    assert client.get_run(run_id).info.status == "FINISHED", told

    expected, found = Counter(expect_points(kept)), Counter(read_points(client, run_id))
    lost, added = expected - found, found - expected
    assert (len(expected), found.total()) == (POINTS, POINTS), told
    assert (list(lost)[:3], list(added)[:3]) == ([], []), f"{len(lost)} lost, {len(added)} added; {told}"
    log = client.download_artifacts(run_id, "logs/train.log", str(tmp_path))
    said = (kept / "train.log").read_bytes().splitlines(keepends=True)
    assert Path(log).read_bytes() == b"".join(line for line in said if not line.startswith(b"###JOB###")), told
    assert {"package", "result", "task.json"} <= {each.path for each in client.list_artifacts(run_id)}, told

    # Those whose launchers were killed before there was a job; one of them stands for all, as it takes a while.
    for run in [run for run in all_runs(client) if run.info.run_id != run_id][:1]:
        reason = attach(run.info.run_id, tmp_path).stderr
        assert "has no job" in reason or "was never started" in reason, told
