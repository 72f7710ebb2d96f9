"""The definitions by which SageMaker reads metrics from a job's log."""

import re
from collections.abc import Iterable

from ..contract.metric_lines import MARKER
from .limits import LONGEST_METRIC_NAME, LONGEST_METRIC_REGEX, MOST_METRICS

# SageMaker only knows finite numbers.
_NUMBER = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"


def build_metric_definitions(names: Iterable[str]) -> tuple[list[dict[str, str]], list[str]]:
    """Builds the definitions that match the lines ``###METRIC###<name>:<value>###``.

    Args:
        names: The metrics' names.

    Returns:
        The definitions, at most 40, and the names that have none.
    """
    definitions: list[dict[str, str]] = []
    left_out: list[str] = []
    for name in dict.fromkeys(names):
        regex = f"{MARKER.decode()}{re.escape(name)}:{_NUMBER}###"
        fits = 1 <= len(name) <= LONGEST_METRIC_NAME and len(regex) <= LONGEST_METRIC_REGEX
        if fits and len(definitions) < MOST_METRICS:
            definitions.append({"Name": name, "Regex": regex})
        else:
            left_out.append(name)
    return definitions, left_out
