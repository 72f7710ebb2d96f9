"""Undoes the renaming of a package's modules, so that its text reads as the project's own does."""

import difflib
import re
from collections.abc import Iterator


def restore_imports(text: str, root: str) -> str:
    """Removes a package's top module from the imports of one of its modules; line numbers stay.

    It undoes what :func:`tg.common.delivery.delivery.code.import_rewriter.rewrite_imports` has done, but for a few
    spaces and for ``__import__("a.b")``.

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
    before, after = (None if text is None else text.splitlines(keepends=True) for text in (first, second))
    lines = difflib.unified_diff(
        before or [],
        after or [],
        "/dev/null" if before is None else f"a/{name}",
        "/dev/null" if after is None else f"b/{name}",
    )
    return "".join(_end_lines(lines))


def _end_lines(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
