"""Undoes the renaming of a package's modules, so that its text reads as the project's own does."""

import difflib
import io
import re
from collections.abc import Sequence

_CONTEXT = 3
_NUMBER = re.compile(r" ([-+])(\d+)")


def restore_imports(text: str, root: str) -> str:
    """Removes a package's top module from the imports of one of its modules; line numbers stay.

    It undoes what :func:`tg.common.delivery.delivery.code.import_rewriter.rewrite_imports` has done. Not in all: an
    import that took several lines stays in one, several modules after one ``import`` stay apart, and ``__import__``
    keeps the name behind it.

    Args:
        text: The module's text.
        root: The package's top module, ``<name>__<version>``.
    """
    if root not in text:
        return text
    named = re.escape(root)
    # `import a.b` has become two imports, of which the second one binds `a`.
    text = re.sub(rf"\bimport(\s(?:\\\n)*){named}\.([\w.]+) as (\w+); from {named} import \3\b", r"import\1\2", text)
    text = re.sub(rf"\bfrom(\s(?:\\\n)*){named} import ", r"import\1", text)
    return re.sub(rf"\b{named}\.", "", text)


def diff_texts(name: str, first: str | None, second: str | None) -> str:
    """Writes the differences of two texts as ``diff -u`` does; ``None`` is a file that is not there."""
    a, b = (io.StringIO(text, newline="\n").readlines() for text in (first or "", second or ""))
    # What both begin and end with is kept from difflib, which takes frequent lines, such as those of data, for noise.
    same_before = _count_same(a, b)
    same_after = _count_same(a[same_before:][::-1], b[same_before:][::-1])
    start, cut = max(0, same_before - _CONTEXT), max(0, same_after - _CONTEXT)
    lines = difflib.unified_diff(
        a[start : len(a) - cut],
        b[start : len(b) - cut],
        "/dev/null" if first is None else f"a/{name}",
        "/dev/null" if second is None else f"b/{name}",
        n=_CONTEXT,
    )
    return "".join(_end(_shift(line, start)) for line in lines)


def _count_same(first: Sequence[str], second: Sequence[str]) -> int:
    """Counts the lines with which both begin."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((number for number, (a, b) in pairs if a != b), min(len(first), len(second)))


def _shift(line: str, count: int) -> str:
    """Adds lines that were left out to the line numbers of a header, ``@@ -1,4 +1,5 @@``."""
    return _NUMBER.sub(lambda found: f" {found[1]}{int(found[2]) + count}", line) if line.startswith("@@ ") else line


def _end(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
