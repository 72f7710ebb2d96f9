"""Chooses the hyperparameters of a tuner's jobs, as texts."""

import itertools
import math
import random
from collections.abc import Iterator
from typing import Any


def choose_all(config: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Gives one choice after the other: all of a grid, or as many random ones as there may be jobs.

    ``Bayesian`` is random here, too: what a test sees of it is the same.

    Args:
        config: The parameter ``HyperParameterTuningJobConfig``.
    """
    ranges = config["ParameterRanges"]
    if config["Strategy"] == "Grid":
        categories = ranges["CategoricalParameterRanges"]
        names = [each["Name"] for each in categories]
        for values in itertools.product(*(each["Values"] for each in categories)):
            yield dict(zip(names, values, strict=True))
        return
    chance = random.Random(config.get("RandomSeed"))
    for _ in range(config["ResourceLimits"]["MaxNumberOfTrainingJobs"]):
        yield _choose(ranges, chance)


def _choose(ranges: dict[str, Any], chance: random.Random) -> dict[str, str]:
    chosen = {}
    for each in ranges.get("IntegerParameterRanges", ()):
        chosen[each["Name"]] = str(round(_choose_number(each, chance)))
    for each in ranges.get("ContinuousParameterRanges", ()):
        chosen[each["Name"]] = repr(_choose_number(each, chance))
    for each in ranges.get("CategoricalParameterRanges", ()):
        chosen[each["Name"]] = chance.choice(each["Values"])
    return chosen


def _choose_number(entry: dict[str, Any], chance: random.Random) -> float:
    low, high = float(entry["MinValue"]), float(entry["MaxValue"])
    if entry.get("ScalingType") == "Logarithmic":
        return min(high, max(low, math.exp(chance.uniform(math.log(low), math.log(high)))))
    return chance.uniform(low, high)
