"""No request has a point twice: MLflow 3.1 does not store a value of a run and the same of its model in one."""

from mlflow.entities import Metric

from tg_mlflow.tracking.masked_requests import divide_metrics

NAN = float("nan")


def metric(key: str, value: float, model: str | None = None, step: int = 0, data: str | None = None) -> Metric:
    return Metric(key, value, 7, step, model_id=model, dataset_name=data, dataset_digest=data)


def describe(metrics: list[Metric]) -> list[str]:
    """Describes the parts: ``key=value@step of model``."""
    return [
        " ".join(f"{each.key}={each.value}@{each.step}{each.model_id or ''}" for each in part)
        for part in divide_metrics(metrics)
    ]


def test_a_value_of_a_run_and_the_same_of_its_models() -> None:
    found = describe(
        [metric("x", 1.0, "m"), metric("x", 1.0), metric("y", NAN), metric("y", NAN, "m"), metric("x", 1.0, "n")]
    )
    assert found == ["x=1.0@0 y=nan@0", "x=1.0@0m y=nan@0m", "x=1.0@0n"]


def test_other_values_and_steps_are_other_points() -> None:
    assert describe([metric("x", 1.0), metric("x", 2.0, "m"), metric("x", 1.0, "m", 1)]) == [
        "x=1.0@0 x=2.0@0m x=1.0@1m"
    ]


def test_of_what_is_the_same_in_all_one_is_kept() -> None:
    assert describe([metric("x", 1.0)] * 1000) == ["x=1.0@0"]
    assert describe([metric("x", NAN, "m"), metric("x", NAN, "m")]) == ["x=nan@0m"]
    assert describe([metric("x", 1.0, "m", data="a"), metric("x", 1.0, "m", data="b")]) == ["x=1.0@0m", "x=1.0@0m"]


def test_no_metrics_are_no_part() -> None:
    assert divide_metrics([]) == []
