from tests.turns import _LEARNERS, ROOT, fill, find_turn


def test_quick_tests_fill_the_time_of_those_that_wait_and_the_end() -> None:
    assert "".join(fill("ABC", "0123456789ab")) == "A012B345C6789ab"
    assert "".join(fill("ABC", "01")) == "AB0C1"
    assert fill("", "01") == ["0", "1"]
    assert fill("AB", "") == ["A", "B"]


def test_the_tests_of_learners_take_turns() -> None:
    assert {find_turn(path) for path in _LEARNERS} == {"learners"}
    assert [path for path in _LEARNERS if not (ROOT / path).is_file()] == []
