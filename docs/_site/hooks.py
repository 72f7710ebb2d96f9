"""What mkdocs does for the site besides its own: links to files of the repository outside of docs/ become plain text.

There they are links, which a reader of the repository can follow; the site does not have these files.
"""

import posixpath
import re
from typing import Any

_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<path>\.\./[^)#]*)(?:#[^)]*)?\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Replaces links that lead out of docs/ by their text."""
    folder = posixpath.dirname(page.file.src_uri)

    def replace(found: "re.Match[str]") -> str:
        if not posixpath.normpath(posixpath.join(folder, found["path"])).startswith("../"):
            return found[0]
        return found["text"] if "`" in found["text"] else f"`{found['text']}`"

    return _LINK.sub(replace, markdown)
