import optuna
import pytest

from tg.common import JobStoppedError
from tg.common.delivery.sagemaker import LogEvent, format_metric_line
from tg_mlflow.notebook.trial_watch import TrialWatch

BOUND = optuna.pruners.ThresholdPruner(upper=5)


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study(pruner=BOUND)


def say(watch: TrialWatch, *points: tuple[float, int | None]) -> None:
    for value, step in points:
        watch(LogEvent(f"INFO: {format_metric_line('loss', value, step)}\n".encode(), 0))


def test_the_only_value_is_a_result_and_prunes_nothing(study: optuna.Study) -> None:
    trial = study.ask()
    watch = TrialWatch(trial, "loss")
    say(watch, (7.5, None))
    assert watch.pruned_at is None
    assert study.trials[0].intermediate_values == {}


def test_values_without_steps_are_counted_and_prune(study: optuna.Study) -> None:
    trial = study.ask()
    watch = TrialWatch(trial, "loss")
    say(watch, (1, None), (2, None))
    assert study.trials[0].intermediate_values == {0: 1, 1: 2}
    with pytest.raises(JobStoppedError, match="trial 0 was pruned at step 2"):
        say(watch, (6, None))
    assert watch.pruned_at == 2


def test_a_first_value_prunes_when_there_is_a_second(study: optuna.Study) -> None:
    watch = TrialWatch(study.ask(), "loss")
    say(watch, (9, 0))
    with pytest.raises(JobStoppedError, match="step 0"):
        say(watch, (1, 1))


def test_a_value_of_a_later_step_prunes_at_once(study: optuna.Study) -> None:
    with pytest.raises(JobStoppedError, match="step 10"):
        say(TrialWatch(study.ask(), "loss"), (9, 10))


def test_other_metrics_and_text_are_nothing_to_it(study: optuna.Study) -> None:
    watch = TrialWatch(study.ask(), "loss")
    watch(LogEvent(b"###METRIC###accuracy:9###step:3###\n", 0))
    watch(LogEvent(b"###METRIC###loss:9###step:3###\n", 0, has_metrics=False))
    assert study.trials[0].intermediate_values == {}
