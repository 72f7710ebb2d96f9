"""Debian's Chromium without a window, and what a person sees on its page, kept as pictures."""

import os
import shutil
from collections import Counter
from pathlib import Path
from types import TracebackType

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.support import ROOT

# Wide enough for six runs side by side, and for all that is said of them above each other.
_WIDTH, _HEIGHT = 2200, 1600
_WAIT_SECONDS = 60  # the first page needs half of that on a busy machine
# Of pages with a table or a figure the background has less than nine tenths; of one that still loads, nearly all.
_BLANK_SHARE = 0.95
_SAME_LINE_PIXELS = 10
_SAME_COLUMN_PIXELS = 30

# Each text with where it is, whatever elements it is made of: MLflow has tables here, and boxes there.
_READ_TEXTS = """
    () => {
        const found = [];
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const text = walker.currentNode.textContent.trim().replace(/\\s+/g, " ");
            const range = document.createRange();
            range.selectNodeContents(walker.currentNode);
            const box = range.getBoundingClientRect();
            if (text && box.width > 0 && walker.currentNode.parentElement.checkVisibility({visibilityProperty: true})) {
                found.push([text, box.left, box.top + box.height / 2]);
            }
        }
        return found;
    }
"""


def require_chromium() -> str:
    """Finds the program; skips the test where there is none, or fails it where ``TG_REQUIRE_BROWSER`` is set."""
    program = shutil.which("chromium")
    if program is None:
        reason = "there is no chromium; on Debian: apt-get install chromium"
        if os.environ.get("TG_REQUIRE_BROWSER"):
            pytest.fail(f"TG_REQUIRE_BROWSER is set, but {reason}")
        pytest.skip(reason)
    return program


class Browser:
    """A browser with one page that reaches this machine and nothing else; a context, which leaves no process behind.

    If something fails within the context, ``<name>-failure.png`` shows the page as it was then.

    Args:
        program: Chromium.
        profile: A folder that it makes, and in which it keeps all that it writes.
        name: What the names of pictures begin with.

    Attributes:
        page: What is shown; whatever is waited for there has a minute.
        pictures: Where pictures are kept: ``TG_TEST_ARTIFACTS``, or ``test-artifacts`` in the checkout.
    """

    page: Page

    def __init__(self, program: str, profile: Path, name: str) -> None:
        self.pictures = Path(os.environ.get("TG_TEST_ARTIFACTS") or ROOT / "test-artifacts")
        self._program, self._profile, self._name = program, profile, name

    def __enter__(self) -> "Browser":
        for old in self.pictures.glob(f"{self._name}-*.png"):
            old.unlink()
        self._playwright = sync_playwright().start()
        try:
            # Without a sandbox, as is Playwright's default: root could not have one.
            self._context = self._playwright.chromium.launch_persistent_context(
                self._profile,
                executable_path=self._program,
                env={**os.environ, "XDG_CONFIG_HOME": str(self._profile), "XDG_CACHE_HOME": str(self._profile)},
                args=["--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
                viewport={"width": _WIDTH, "height": _HEIGHT},
                locale="en-US",
                timezone_id="UTC",
            )
        except BaseException:
            self._playwright.stop()
            raise
        self._context.set_default_timeout(_WAIT_SECONDS * 1000)
        expect.set_options(timeout=_WAIT_SECONDS * 1000)
        self.page = self._context.pages[0]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is not None and not self.page.is_closed():
                self._keep(f"{self._name}-failure")
        finally:
            self._context.close()
            self._playwright.stop()

    def keep_picture(self, name: str) -> Path:
        """Keeps what is on the page now as ``<name of the test>-<name>.png``.

        Raises:
            AssertionError: If nearly nothing is on the page.
        """
        path = self._keep(f"{self._name}-{name}")
        with Image.open(path) as image:
            tones = Counter(image.convert("L").tobytes())
        share = max(tones.values()) / tones.total()
        assert share < _BLANK_SHARE, f"{path} is blank: one tone has {share:.1%} of it"
        return path

    def read_side_by_side(self, head: str) -> dict[str, dict[str, str]]:
        """Reads what is written side by side on the page, by where it is seen.

        Args:
            head: The label, at the left, of the row with the names of the columns.

        Returns:
            For each label below it the text of each column; a label without any is left out, as is a text that is
            not in a column.
        """
        texts = [(text, left, middle) for text, left, middle in self.page.evaluate(_READ_TEXTS)]
        heads = [each for each in texts if each[0] == head]
        assert len(heads) == 1, f"{head!r} is on the page {len(heads)} times"
        _, label_left, head_middle = heads[0]

        def read_line(line: float) -> list[tuple[str, float]]:
            right_of_labels = label_left + _SAME_COLUMN_PIXELS
            return [
                (text, left)
                for text, left, middle in texts
                if abs(middle - line) < _SAME_LINE_PIXELS and left > right_of_labels
            ]

        columns = {name: left for name, left in read_line(head_middle)}
        rows: dict[str, dict[str, str]] = {}
        for label, left, middle in texts:
            if abs(left - label_left) < _SAME_COLUMN_PIXELS and middle > head_middle:
                cells = read_line(middle)
                row = {
                    name: text
                    for name, column in columns.items()
                    for text, place in cells
                    if abs(place - column) < _SAME_COLUMN_PIXELS
                }
                if row:
                    assert label not in rows, f"there are two rows {label!r}"
                    rows[label] = row
        return rows

    def _keep(self, name: str) -> Path:
        self.pictures.mkdir(parents=True, exist_ok=True)
        path = self.pictures / f"{name}.png"
        self.page.screenshot(path=path)
        return path


def read_table(table: Locator) -> list[list[str]]:
    """Reads the texts of a table's cells and of their heads, row by row."""
    rows = table.get_by_role("row").all()
    cells = [row.get_by_role("columnheader").or_(row.get_by_role("cell")).all_inner_texts() for row in rows]
    return [[text.strip() for text in row] for row in cells]
