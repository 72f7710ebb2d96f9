"""Names of the output columns."""

from collections.abc import Iterable


def unique_names(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Makes names distinct: the first one is kept, later ones get ``_2``, ``_3``, ….

    Args:
        names: The wished names, in the order of the columns.
        taken: Names that must not be used.

    Returns:
        As many names as came in, in the same order; the same input always gives the same names.
    """
    used = set(taken)
    result = []
    for name in names:
        candidate = name
        number = 1
        while candidate in used:
            number += 1
            candidate = f"{name}_{number}"
        used.add(candidate)
        result.append(candidate)
    return result
