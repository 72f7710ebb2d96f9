"""Finds an index for builds that the usual package index lacks, such as ``torch==2.13.0+cpu``.

Such a build has a local part in its version, behind a plus. This module is also loaded by its path, in images that lack
everything else, so it uses the standard library only.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

# The libraries that PyTorch publishes, and its index of the builds for one kind of processor, `cpu` or `cu126`:
# https://pytorch.org/get-started/locally
PYTORCH = ("torch", "torchaudio", "torchvision")
_PYTORCH_INDEX = "https://download.pytorch.org/whl/{channel}{build}"
_PYTORCH_BUILD = re.compile(r"cpu|cu\d+")

_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?P<extras>\s*\[[^\]]*\])?\s*===?\s*"
    r"(?P<public>[^\s;,+]+)\+(?P<local>[A-Za-z0-9._-]+)\s*(?P<marker>;.*)?"
)


class LocalVersion(NamedTuple):
    """A requirement of exactly one build.

    Attributes:
        name: The distribution, as the requirement spells it.
        public: Its version without the local part.
        local: The local part, such as ``cpu``.
        without: The requirement of any build of that version.
    """

    name: str
    public: str
    local: str
    without: str

    @property
    def is_pytorch(self) -> bool:
        """Whether PyTorch publishes it."""
        return self.name.lower() in PYTORCH

    @property
    def index_url(self) -> str | None:
        """The index that has this build; ``None`` if it is unknown."""
        if not self.is_pytorch or not _PYTORCH_BUILD.fullmatch(self.local):
            return None
        return _PYTORCH_INDEX.format(channel="nightly/" if ".dev" in self.public else "", build=self.local)


class Sources(NamedTuple):
    """The indexes of requirements.

    Attributes:
        requirements: All.
        builds: Those of them that need an index of their own, by that index.
        notes: What was changed, one sentence each.
    """

    requirements: list[str]
    builds: Mapping[str, list[str]]
    notes: list[str]


def parse_local_version(requirement: str) -> LocalVersion | None:
    """Parses a requirement such as ``torch==2.13.0+cpu``; returns ``None`` for one that names no build."""
    found = _PIN.fullmatch(requirement.strip())
    if found is None:
        return None
    marker = f" {found['marker']}" if found["marker"] else ""
    without = f"{found['name']}{found['extras'] or ''}=={found['public']}{marker}"
    return LocalVersion(found["name"], found["public"], found["local"], without)


def find_sources(requirements: Iterable[str], has_own_index: bool) -> Sources:
    """Finds the index of each requirement.

    A build is kept if an index is known that has it, or if the user names an index. Others are replaced by their public
    version, with a note.

    Args:
        requirements: In pip's notation.
        has_own_index: Whether the user names an index; it may have any build.

    Raises:
        ValueError: If it is a build of PyTorch's for which no index is known: its public version is another build, with
            gigabytes for processors that are not wanted.
    """
    installed, builds, notes = list[str](), dict[str, list[str]](), list[str]()
    for requirement in requirements:
        pinned = parse_local_version(requirement)
        if pinned is not None and pinned.index_url is not None:
            builds.setdefault(pinned.index_url, []).append(requirement)
        elif pinned is not None and not has_own_index:
            if pinned.is_pytorch:
                raise ValueError(f"no index is known that has {requirement!r}")
            notes.append(
                f"{requirement} is a build that public indexes do not have, so {pinned.without} is installed; "
                "to have that build, name an index that has it in pip_extra_index_urls of build"
            )
            requirement = pinned.without
        installed.append(requirement)
    return Sources(installed, builds, notes)


def find_index_options(requirements: Iterable[str]) -> list[str]:
    """Returns pip's options that make it find these builds, for a requirements file."""
    indexes = find_sources(requirements, has_own_index=True).builds
    return [f"--extra-index-url {index}" for index in sorted(indexes)]
