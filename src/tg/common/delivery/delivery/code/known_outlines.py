"""Keeps the outlines of a project's modules from one packaging to the next, as parsing takes most of its time."""

import hashlib
import json
import sys
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from ....errors import DeliveryError
from ....system.old_files import remove_old_files
from ....system.replaced_file import replacing_file
from ....system.user_folders import FolderKind, find_user_folder
from .module_outline import ImportStatement, ModuleOutline, NamedModule, Span, outline_module

# A small project is parsed in no time.
_FEWEST = 20
_CODE = (Path(__file__), Path(__file__).with_name("module_outline.py"), Path(__file__).with_name("module_texts.py"))


class KnownOutlines:
    """Outlines of modules by their texts: whatever the files' times say, a changed text is parsed.

    Nothing depends on what is kept: what is missing, damaged or made by another Python or by other code of ours is
    made again, and where it cannot be written, nothing is kept.

    Args:
        project: The project's folder. With ``None``, nothing is kept.
    """

    def __init__(self, project: Path | None) -> None:
        self._file = None if project is None else _find_file(project)
        self._kept: dict[str, Any] = {}
        if self._file is not None:
            with suppress(OSError, ValueError):
                kept = json.loads(self._file.read_bytes())
                self._kept = kept if isinstance(kept, dict) else {}
        self._used: dict[str, Any] = {}

    def find(self, source: str, path: PurePosixPath) -> ModuleOutline:
        """Returns the outline of a module.

        Args:
            source: Its text.
            path: Its name in messages.

        Raises:
            PackagingError: If this interpreter cannot parse it.
        """
        digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
        kept = self._used.get(digest) or self._kept.get(digest)
        if kept is not None:
            with suppress(TypeError, ValueError):
                outline = _restore(kept)
                self._used[digest] = kept
                return outline
        outline = outline_module(source, path)
        self._used[digest] = outline
        return outline

    def keep(self) -> None:
        """Keeps the outlines that were asked for, and no others; of a small project none."""
        if self._file is None or len(self._used) < _FEWEST or self._used.keys() == self._kept.keys():
            return
        with suppress(OSError, DeliveryError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            remove_old_files(self._file.parent.iterdir())
            with replacing_file(self._file) as file:
                file.write(json.dumps(self._used, separators=(",", ":")).encode())


def _find_file(project: Path) -> Path | None:
    """Returns where a project's outlines are kept: by its folder, this Python and the code that makes them."""
    try:
        folder = find_user_folder(FolderKind.CACHE, "outlines")
        parts = [str(project), sys.version, *(each.read_text(encoding="utf-8") for each in _CODE)]
    except (OSError, DeliveryError):
        return None
    return folder / f"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}.json"


def _restore(kept: Any) -> ModuleOutline:
    """Makes an outline of what JSON has made of it.

    Raises:
        TypeError: If it is damaged.
        ValueError: Likewise.
    """
    imports, named, words, calls = kept
    return ModuleOutline(
        [
            ImportStatement(Span(*span), is_required, level, module, [(name, alias) for name, alias in names])
            for span, is_required, level, module, names in imports
        ],
        [
            NamedModule(text, Span(*span), quote, Span(*call), is_top_wanted)
            for text, span, quote, call, is_top_wanted in named
        ],
        list(words),
        list(calls),
    )
