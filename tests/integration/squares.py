"""What worker processes work out. It imports nothing, as each of them imports it first."""

import importlib


def square(number: int) -> int:
    return number * number


def square_by_name(number: int) -> int:
    """Finds its module by a text, in whose words packaging changes nothing."""
    result: int = importlib.import_module("tests.integration.squares").square(number)
    return result


class Squares:
    """A dataset as torch takes it."""

    def __len__(self) -> int:
        return 10

    def __getitem__(self, number: int) -> int:
        return square_by_name(number)
