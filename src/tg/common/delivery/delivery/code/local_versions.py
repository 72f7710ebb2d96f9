"""Where builds of libraries are had that the usual package index does not have, such as ``torch==2.13.0+cpu``.

Such a build has a local part in its version, behind a plus. It is also loaded by its path, in images that lack
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
        name: The distribution, as it is written there.
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
        """The index that has this build; ``None`` if that is not known."""
        if not self.is_pytorch or not _PYTORCH_BUILD.fullmatch(self.local):
            return None
        return _PYTORCH_INDEX.format(channel="nightly/" if ".dev" in self.public else "", build=self.local)


class Sources(NamedTuple):
    """Where requirements are had.

    Attributes:
        requirements: All.
        builds: Those of them that are not had where everything else is, by the index that has them.
        notes: What has been changed, one sentence each.
    """

    requirements: list[str]
    builds: Mapping[str, list[str]]
    notes: list[str]


def parse_local_version(requirement: str) -> LocalVersion | None:
    """Reads a requirement such as ``torch==2.13.0+cpu``; ``None`` for those that ask for no particular build."""
    found = _PIN.fullmatch(requirement.strip())
    if found is None:
        return None
    marker = f" {found['marker']}" if found["marker"] else ""
    without = f"{found['name']}{found['extras'] or ''}=={found['public']}{marker}"
    return LocalVersion(found["name"], found["public"], found["local"], without)


def find_sources(requirements: Iterable[str], has_own_index: bool) -> Sources:
    """Says where each requirement is had.

    A build stays what it is where an index is known that has it, or where the user names one of his own. Others are
    replaced by their public version, which is said.

    Args:
        requirements: In pip's notation.
        has_own_index: Whether the user names an index, which may have any build.

    Raises:
        ValueError: If it is a build of PyTorch's for which no index is known: its public version is another build,
            which has gigabytes for processors that nobody asked for.
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
    """The options of pip by which it finds builds among requirements, for a file of requirements."""
    indexes = find_sources(requirements, has_own_index=True).builds
    return [f"--extra-index-url {index}" for index in sorted(indexes)]
