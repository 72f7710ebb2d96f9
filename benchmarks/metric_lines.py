"""How fast metrics are read from a log in which one line of ten is a metric.

Beside it, in the same run: ``grep -c`` of the same bytes, and a regular expression for each of ten metrics, as
SageMaker's metric definitions have it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator

from harness import Figure, Scale, measure_in_turns, run
from tg.common.delivery.sagemaker import MetricLineParser, format_metric_line

CHUNK_BYTES = 64 * 1024
REGEX_METRICS = 10
STAMP = "2022-12-20 16:37:44.614647 INFO: "
PLAIN_LINE = f"{STAMP}epoch 12, batch 345 of 1000, learning rate 0.001, gradient norm 1.2345, 12 ms a step\n"


def make_log(megabytes: int) -> tuple[bytes, list[float]]:
    """Writes a log and the values of the metrics in it."""
    lines, values, size = [], [], 0
    while size < megabytes * 1_000_000:
        values.append(len(values) / 7)
        lines += [PLAIN_LINE * 9, f"{STAMP}{format_metric_line('loss', values[-1])}\n"]
        size += len(lines[-2]) + len(lines[-1])
    return "".join(lines).encode(), values


def read(chunks: list[bytes]) -> list[float]:
    """Reads the whole log as it would come, and returns the metrics' values."""
    parser = MetricLineParser()
    values = [point.value for chunk in chunks for point in parser.feed(chunk, 0)]
    return values + [point.value for point in parser.finish(0)]


def measure(scale: Scale) -> Iterator[Figure]:
    log, values = make_log(scale.pick(200, 40))
    chunks = [log[start : start + CHUNK_BYTES] for start in range(0, len(log), CHUNK_BYTES)]
    if read(chunks) != values:
        sys.exit("the metrics that were read are not those that were written")
    patterns = [re.compile(rb"###METRIC###metric_%d:(.*?)###" % number) for number in range(REGEX_METRICS)]

    def parse() -> float:
        start = time.perf_counter()
        read(chunks)
        return len(log) / (time.perf_counter() - start) / 1e6

    def grep() -> float:
        start = time.perf_counter()
        found = subprocess.run(["grep", "-c", "###METRIC###"], input=log, stdout=subprocess.PIPE, check=True)
        seconds = time.perf_counter() - start
        if int(found.stdout) != len(values):
            sys.exit(f"grep has counted {found.stdout!r} lines, and there are {len(values)}")
        return len(log) / seconds / 1e6

    def regexes() -> float:
        start = time.perf_counter()
        for pattern in patterns:
            pattern.findall(log)
        return len(log) / (time.perf_counter() - start) / 1e6

    speeds = measure_in_turns(scale.pick(5, 3), parse=parse, grep=grep, regexes=regexes)
    yield Figure(
        "parser.speed",
        "the parser of metric lines, one line of ten being one",
        sorted(speeds["parse"])[len(speeds["parse"]) // 2],
        "MB/s",
        wanted=600,
        more_is_better=True,
        details=f"{len(log) / 1e6:.0f} MB, {len(values):,} metrics",
    )
    yield Figure.ratio(
        "parser.grep", "its speed", "`grep -c`", speeds["parse"], speeds["grep"], None, more_is_better=True, unit="MB/s"
    )
    yield Figure.ratio(
        "parser.regexes",
        "its speed",
        f"a regular expression for each of {REGEX_METRICS} metrics",
        speeds["parse"],
        speeds["regexes"],
        None,
        more_is_better=True,
        unit="MB/s",
    )


if __name__ == "__main__":
    run(measure, __doc__ or "")
