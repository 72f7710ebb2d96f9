"""Several jobs spend one budget."""

from tg_mlflow.cost.budget import Budget


def test_a_budget_is_spent_by_all_together() -> None:
    reached = list[str]()
    budget = Budget(10, spent_usd=2)
    budget.when_reached(reached.append)
    budget.note("a", 3)
    budget.note("b", 4)
    assert (budget.usd, budget.is_reached, reached) == (9, False, [])
    budget.note("b", 5)
    budget.note("b", 6)
    assert (budget.usd, budget.is_reached, reached) == (11, True, ["the cost has reached max_cost, 10.00 USD"])
    budget.note("b", 1)
    assert (budget.usd, budget.is_reached) == (6, True)  # whatever is found out later: all have been told to stop


def test_what_a_running_job_may_cost_until_it_has_stopped_counts() -> None:
    budget = Budget(10)
    budget.note("a", 4, stop_usd=2)
    budget.note("a", 5, stop_usd=0)  # it has ended
    budget.note("b", 1, stop_usd=3)
    assert (budget.usd, budget.is_reached) == (6, False)
    budget.note("b", 2, stop_usd=3)
    assert (budget.usd, budget.is_reached) == (7, True)


def test_without_a_bound_nothing_is_reached() -> None:
    budget = Budget()
    budget.note("a", 1e9)
    assert (budget.usd, budget.is_reached, budget.is_spent(1)) == (1e9, False, False)


def test_a_budget_is_spent_but_for_some_seconds() -> None:
    budget = Budget(10)
    budget.note("a", 9.4)
    assert (budget.is_spent(0.5), budget.is_spent(0.7)) == (False, True)
