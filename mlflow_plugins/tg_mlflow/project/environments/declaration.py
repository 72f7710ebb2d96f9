"""What a file declares of an environment, as it is written there."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Declaration:
    """What a file declares.

    Attributes:
        source: The file's name.
        python: Which Python, as a specifier such as ``==3.8.*``; ``None`` if it does not say.
        requirements: What to install, in pip's notation.
        index_urls: Package indexes that it names.
        folders: Folders of the project that it installs, relative to the file's.
        unavailable: Packages of conda that pip cannot install.
        ignored: What is not heeded, as it is written.
        variables: Variables that are set for what runs.
    """

    source: str
    python: str | None = None
    requirements: tuple[str, ...] = ()
    index_urls: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    unavailable: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
