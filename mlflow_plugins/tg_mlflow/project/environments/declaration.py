"""The environment of a project: what a file declares, as it is written there, and what becomes of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Declaration:
    """What a file declares.

    Attributes:
        path: The file.
        python: Which Python, as a specifier such as ``==3.8.*``; ``None`` if it does not say.
        requirements: What to install, in pip's notation, one library each.
        lines: What else to install, as in a requirements file: with options, further files and folders.
        installs_itself: Whether the file's folder is a distribution that is installed, too.
        unavailable: Packages of conda that pip cannot install.
        ignored: What is not heeded, as it is written.
        variables: Variables that are set for what runs.
    """

    path: Path
    python: str | None = None
    requirements: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    installs_itself: bool = False
    unavailable: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DeclaredEnvironment:
    """What a project declares.

    Attributes:
        source: The file or the key of the MLproject that declares it; ``None`` if nothing does.
        python_version: The Python that it asks for, such as ``3.12``; ``None`` for any.
        requirements: Its libraries, in pip's notation.
        unavailable: Packages of conda that pip cannot install.
        base_image: The image of ``docker_env``.
        index_urls: Package indexes that it names besides the usual ones; may hold credentials.
        source_folders: Folders of the project that it installs, whose modules can be imported from anywhere.
        variables: Variables that it sets for what runs.
        notes: What of it is not heeded, or heeded in another way, one sentence each.
    """

    source: str | None = None
    python_version: str | None = None
    requirements: tuple[str, ...] = ()
    unavailable: tuple[str, ...] = ()
    base_image: str | None = None
    index_urls: tuple[str, ...] = ()
    source_folders: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def describe(self) -> dict[str, Any] | None:
        """Describes for a package what its requirements do not say, as values for JSON; ``None`` if there is nothing.

        Passwords in addresses are left out.
        """
        if self.source is None:
            return None
        return {
            "source": self.source,
            "python_version": self.python_version,
            "base_image": self.base_image,
            "index_urls": [re.sub(r"(?<=://)[^/@$]+@", "", each) for each in self.index_urls],
        }
