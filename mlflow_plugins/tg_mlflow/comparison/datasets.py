"""Compares the data of two runs, by their digests."""

from collections.abc import Iterator, Mapping, Sequence

from tg_mlflow.comparison.differences import FIRST, SECOND, Difference, compare_values
from tg_mlflow.comparison.run_record import DatasetRecord, RunRecord

_METADATA = " (of S3's metadata, not of the content)"


def compare_data(first: RunRecord, second: RunRecord) -> Iterator[Difference]:
    """Compares the datasets, and what was in the channels."""
    if first.datasets is None or second.datasets is None:
        yield from compare_values("data", "dataset", *(_describe_all(each.datasets) for each in (first, second)))
    else:
        yield from _compare_datasets(first.datasets, second.datasets)
    for name in sorted({*first.channels, *second.channels}):
        yield from _compare_channel(name, first.channels, second.channels)


def _compare_channel(
    name: str, first: Mapping[str, str | None], second: Mapping[str, str | None]
) -> Iterator[Difference]:
    digests = first.get(name), second.get(name)
    sides = zip((FIRST, SECOND), (first, second), digests, strict=True)
    missing = tuple(side for side, channels, digest in sides if name in channels and digest is None)
    if missing or digests[0] != digests[1]:
        yield Difference("data", f"content of channel {name}", *digests, missing)


def _compare_datasets(first: Sequence[DatasetRecord], second: Sequence[DatasetRecord]) -> Iterator[Difference]:
    left = [each for each in first if not _finds(each, second)], [each for each in second if not _finds(each, first)]
    for context in sorted({each.context for side in left for each in side}):
        a, b = ({each.name: each for each in side if each.context == context} for side in left)
        if len(a) == len(b) == 1:  # under another name, it is still what the other one stands in the place of
            b = dict(zip(a, b.values(), strict=True))
        for name in sorted({*a, *b}):
            yield _describe_pair(context, a.get(name), b.get(name))


def _finds(dataset: DatasetRecord, others: Sequence[DatasetRecord]) -> bool:
    return any((each.digest, each.context) == (dataset.digest, dataset.context) for each in others)


def _describe_pair(context: str, first: DatasetRecord | None, second: DatasetRecord | None) -> Difference:
    known = [each for each in (first, second) if each is not None]
    missing: tuple[str, ...] = ()
    if len(known) == 2 and known[0].is_by_metadata != known[1].is_by_metadata:
        missing = (FIRST,) if known[0].is_by_metadata else (SECOND,)
    name = f"{known[0].name} ({context})" if context else known[0].name
    return Difference("data", name, _describe(first), _describe(second), missing)


def _describe(dataset: DatasetRecord | None) -> str | None:
    if dataset is None:
        return None
    rows = "" if dataset.rows is None else f", {dataset.rows:,} rows"
    return f"{dataset.digest}{rows}{_METADATA if dataset.is_by_metadata else ''}"


def _describe_all(datasets: Sequence[DatasetRecord] | None) -> str | None:
    return None if datasets is None else "; ".join(f"{each.name} {_describe(each)}" for each in datasets) or "none"
