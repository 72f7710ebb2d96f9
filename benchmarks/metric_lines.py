"""How fast metrics are read from a log in which one line of ten is a metric; at least 500 MB/s are wanted.

python benchmarks/metric_lines.py [--megabytes 200]
"""

import argparse
import statistics
import sys
import time

from tg.common.delivery.sagemaker import MetricLineParser, format_metric_line

WANTED_MB_PER_SECOND = 500
CHUNK_BYTES = 64 * 1024
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    log, values = make_log(arguments.megabytes)
    chunks = [log[start : start + CHUNK_BYTES] for start in range(0, len(log), CHUNK_BYTES)]
    if read(chunks) != values:
        sys.exit("the metrics that were read are not those that were written")
    seconds = []
    for _ in range(arguments.repeats):
        start = time.perf_counter()
        read(chunks)
        seconds.append(time.perf_counter() - start)
    speed = len(log) / statistics.median(seconds) / 1e6
    print(f"{len(log) / 1e6:.0f} MB, {len(values):,} metrics: {speed:.0f} MB/s, {WANTED_MB_PER_SECOND} MB/s wanted")
    if speed < WANTED_MB_PER_SECOND:
        sys.exit(1)


if __name__ == "__main__":
    main()
