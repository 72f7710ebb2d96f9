"""What trainings cost is said before they start, and a bound that cannot be kept is refused."""

import pytest

from tests.tg_mlflow.cost.priced_place import PricedConfig, PricedPlace
from tg_mlflow.cost.costs import Costs
from tg_mlflow.errors import BackendConfigError
from tg_mlflow.places.config import LogConfig
from tg_mlflow.places.process import ProcessConfig, ProcessPlace


def make(*prices: str, max_cost: float | None = None, spent: float = 0, **rest: bool | int) -> Costs:
    return Costs(PricedPlace(*prices, **rest), PricedConfig(max_cost=max_cost), spent)


def test_a_table_says_what_trainings_cost_at_most() -> None:
    costs = make("0.138", "12.5", max_cost=3)
    assert (costs.describe(6) or "").splitlines() == [
        "MACHINE    USD/HOUR  MACHINES  TRAININGS  TIME LIMIT  USD AT MOST",
        "machine-1     0.138         2          6  1 h 30 min         2.52",
        "machine-2      12.5         2          6  1 h 30 min       225.00",
        "All are stopped when they have cost 3.00 USD (max_cost)",
    ]


def test_an_unknown_price_is_said() -> None:
    assert (make("price unknown: access is denied").describe() or "").splitlines()[1:] == [
        "machine-1         ?         2          1  1 h 30 min            ?",
        "price unknown: access is denied",
    ]


def test_spot_machines_without_checkpoints_may_lose_all(caplog: pytest.LogCaptureFixture) -> None:
    warning = (
        "Spot machines may be reclaimed, and without checkpoints a training then begins again from zero: up to "
        "1 h 30 min{} are lost each time; set checkpoints, and let the training resume from them"
    )
    known, unknown = make("2", starts_anew=True), make("who knows", starts_anew=True)
    known.warn_once()
    known.warn_once()
    unknown.warn_once()
    make("2").warn_once()
    assert caplog.messages == [warning.format(", or 6.00 USD on demand,"), warning.format("")]
    assert (known.describe() or "").splitlines()[-1] == caplog.messages[0]


def test_prices_are_asked_for_once() -> None:
    place = PricedPlace("1", "2")
    costs = Costs(place, PricedConfig(max_cost=100))
    costs.check()
    costs.describe(3)
    assert costs.find_price(1) == costs.find_price(1)
    assert place.asked == 2


@pytest.mark.parametrize(
    ("prices", "spent", "problem"),
    [
        (
            ["1", "price unknown: no answer"],
            0,
            "max_cost is 4, but what machine-2 costs is not known (price unknown: no answer); give usd_per_hour, or "
            "leave max_cost out",
        ),
        (
            ["60"],
            0,
            "max_cost is 4, and to stop a training on machine-1 may take 120 seconds, which cost 4.00 USD; raise it",
        ),
        (["1"], 4.25, "max_cost is 4, and 4.25 USD are spent; raise it to go on"),
    ],
)
def test_a_bound_that_cannot_be_kept_is_refused(prices: list[str], spent: float, problem: str) -> None:
    with pytest.raises(BackendConfigError) as caught:
        make(*prices, max_cost=4, spent=spent).check()
    assert str(caught.value) == problem
    make(*prices).check()  # without a bound, there is nothing to keep


def test_a_place_without_prices_takes_no_bound_and_asks_for_nothing() -> None:
    with pytest.raises(BackendConfigError) as caught:
        Costs(ProcessPlace(), ProcessConfig(max_cost=5)).check()
    assert str(caught.value) == "max_cost is 5, and tg-process has no prices to count; leave it out"
    costs = Costs(ProcessPlace(), ProcessConfig())
    costs.check()
    assert (costs.describe(), costs.are_recorded, costs.limit_seconds(0)) == (None, False, None)


@pytest.mark.parametrize(
    ("logs", "max_cost", "are_recorded"), [(True, None, True), (False, None, False), (False, 5, True)]
)
def test_with_a_bound_costs_are_always_counted(logs: bool, max_cost: float | None, are_recorded: bool) -> None:
    config = PricedConfig(max_cost=max_cost, log=LogConfig(cost=logs))
    assert Costs(PricedPlace("1"), config).are_recorded is are_recorded


def test_a_training_may_take_as_long_as_what_is_left_lasts() -> None:
    costs = make("1800", max_cost=245, spent=40)  # two machines: a dollar a second
    costs.budget.note("a", 5.5, stop_usd=120)
    assert costs.limit_seconds(0) == 199
    costs.budget.note("a", 300)
    assert costs.limit_seconds(0) == 1
    assert make("1800").limit_seconds(0) is None
