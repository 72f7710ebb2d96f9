"""How checks are made: each in its time, and none that needs what is missing."""

import threading

import pytest

from tg.common import DeliveryError
from tg.common.delivery.sagemaker.executor.job_patience import asking_once, asks_once
from tg_mlflow.diagnosis import Check, Examined, Finding, examine


def fail() -> Finding:
    raise DeliveryError("no bucket is named; set bucket; do it in tg.json")


def found(*checks: Check, is_asked_for: bool = True) -> list[tuple[str, Finding]]:
    return [(each.name, each.finding) for each in examine("there", checks, is_asked_for)]


def test_what_an_error_says_ends_with_what_to_do() -> None:
    assert found(Check("bucket", fail)) == [
        ("bucket", Finding.problem("no bucket is named; set bucket", "do it in tg.json"))
    ]


def test_what_needs_something_that_failed_is_skipped_and_so_is_what_needs_that() -> None:
    checks = [
        Check("a", fail),
        Check("b", lambda: Finding.ok("never"), ("a",)),
        Check("c", lambda: Finding.ok("never"), ("b",)),
        Check("d", lambda: Finding.skipped("not allowed")),
        Check("e", lambda: Finding.ok("yes"), ("d",)),
    ]
    assert found(*checks)[1:] == [
        ("b", Finding.skipped("not checked, as it needs a")),
        ("c", Finding.skipped("not checked, as it needs b")),
        ("d", Finding.skipped("not allowed")),
        ("e", Finding.ok("yes")),
    ]


def test_a_check_that_hangs_is_left_behind() -> None:
    released = threading.Event()

    def hang() -> Finding:
        released.wait()
        return Finding.ok("late")

    assert found(Check("a", hang, seconds=0.01, silence_remedy="start it"), Check("b", lambda: Finding.ok("yes"))) == [
        ("a", Finding.problem("no answer within 0.01 s", "start it")),
        ("b", Finding.ok("yes")),
    ]
    released.set()


def test_a_check_that_is_wrong_itself_keeps_no_other_from_being_made() -> None:
    assert found(Check("a", lambda: Finding.ok(str(1 / 0))), Check("b", lambda: Finding.ok("yes"), ("a",))) == [
        ("a", Finding.warning("the check itself has failed: ZeroDivisionError: division by zero")),
        ("b", Finding.ok("yes")),
    ]


@pytest.mark.parametrize("is_asked_for", [True, False])
def test_a_place_that_is_not_set_up_is_a_problem_only_for_who_asks_for_it(is_asked_for: bool) -> None:
    checks = [
        Check("region", lambda: Finding.problem("none", "set region"), decides_use=True),
        Check("role", lambda: Finding.ok("r")),
    ]
    expected = {
        True: [("region", Finding.problem("none", "set region")), ("role", Finding.ok("r"))],
        False: [
            ("region", Finding.warning("none", "set region")),
            (
                "the rest",
                Finding.skipped("there cannot be used here as it is; `tg-mlflow doctor --backend there` checks it"),
            ),
        ],
    }
    assert found(*checks, is_asked_for=is_asked_for) == expected[is_asked_for]


def test_a_check_waits_for_no_service_if_its_caller_does_not() -> None:
    with asking_once():
        assert found(Check("a", lambda: Finding.ok(str(asks_once())))) == [("a", Finding.ok("True"))]


def test_what_is_found_comes_before_the_next_check_is_made() -> None:
    made: list[str] = []

    def make(name: str) -> Check:
        def look() -> Finding:
            made.append(name)
            return Finding.ok(name)

        return Check(name, look)

    checks = examine("there", [make("a"), make("b")])
    assert next(checks) == Examined("there", "a", Finding.ok("a"))
    assert made == ["a"]
