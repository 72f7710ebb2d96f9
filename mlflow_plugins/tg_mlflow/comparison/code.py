"""Compares the code of two runs: the project's files, this library's version, and the task."""

from collections.abc import Iterator, Mapping, Sequence

from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT

from tg_mlflow.comparison.differences import Difference, SourceDifference, compare_named, compare_values
from tg_mlflow.comparison.package_record import SourceFile
from tg_mlflow.comparison.run_record import RunRecord
from tg_mlflow.comparison.source_text import diff_texts
from tg_mlflow.tracking.tags import PACKAGE_SHA256_TAG, VERSION_TAG

_DIGITS = 12
_PICKLED = "what {} holds"


def compare_code(first: RunRecord, second: RunRecord) -> Iterator[Difference]:
    """Compares the project's files; this library is one line, if its version or its own code differs."""
    yield from _compare_library(first, second)
    if first.package is None or second.package is None:
        yield from compare_values("code", "package", _name_package(first), _name_package(second))
        commits = [each.tags.get(MLFLOW_GIT_COMMIT) for each in (first, second)]
        if commits != [None, None]:
            yield from compare_values("code", "commit", *commits)
        return
    files = first.package.sources, second.package.sources
    for name in sorted({*files[0], *files[1]}):
        pair = files[0].get(name), files[1].get(name)
        described = _describe(pair[0]), _describe(pair[1])
        if described[0] != described[1]:
            yield SourceDifference("code", name, *described, (), _diff(name, *pair))


def compare_tasks(first: RunRecord, second: RunRecord, known: Sequence[Difference]) -> Iterator[Difference]:
    """Compares the parts of the tasks, besides the differences that are known.

    A parameter is somewhere in the task, too: a part with the same two values says nothing new. Where nothing else
    says why the pickled tasks differ, such as the code of a notebook, that is said.
    """
    found: list[Difference] = []
    if first.task is not None and second.task is not None:
        values = {_unquote(each) for each in known}
        parts = compare_named("parameter", _below_task(first.task), _below_task(second.task))
        found = [each for each in parts if _unquote(each) not in values]
    yield from found
    objects = [{} if each.package is None else each.package.objects for each in (first, second)]
    is_explained = found or any(each.kind in ("code", "parameter", "config") for each in known)
    if objects[0].keys() == objects[1].keys() and not is_explained:
        yield from compare_named(
            "code", *({_PICKLED.format(name): digest[:_DIGITS] for name, digest in each.items()} for each in objects)
        )


def _unquote(difference: Difference) -> tuple[str, ...]:
    return tuple((value or "").strip('"') for value in (difference.first, difference.second))


def _below_task(parts: Mapping[str, str]) -> dict[str, str]:
    return {f"task.{path}": text for path, text in parts.items()}


def _compare_library(first: RunRecord, second: RunRecord) -> Iterator[Difference]:
    versions = [each.tags.get(VERSION_TAG) for each in (first, second)]
    if versions[0] == versions[1] and first.package is not None and second.package is not None:
        shipped = first.package.shipped, second.package.shipped
        common = shipped[0].keys() & shipped[1].keys()  # one of them may lack what only launchers use
        changed = sum(shipped[0][name] != shipped[1][name] for name in common)
        if changed:
            yield Difference(
                "code", "tg-mlflow", versions[0], f"{versions[1]} with changes in {changed} of its modules"
            )
            return
    if versions != [None, None]:
        yield from compare_values("code", "tg-mlflow", *versions)


def _name_package(record: RunRecord) -> str | None:
    return None if record.package is None else record.tags.get(PACKAGE_SHA256_TAG, record.package.root)[:_DIGITS]


def _describe(file: SourceFile | None) -> str | None:
    return None if file is None else f"{file.size_bytes:,} bytes, {file.digest[:_DIGITS]}"


def _diff(name: str, first: SourceFile | None, second: SourceFile | None) -> str:
    texts = ["" if each is None else each.text for each in (first, second)]
    if texts[0] is None or texts[1] is None:
        return ""
    return diff_texts(name, texts[0] if first else None, texts[1] if second else None)
