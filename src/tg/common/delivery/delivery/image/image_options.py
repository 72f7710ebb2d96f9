"""The options of an image's build."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ....errors import ImageBuildError, listed

_PROXIES = ("http", "https", "no")
_SHORTEST_SECRET = 4


@dataclass(frozen=True)
class ImageBuildOptions:
    """How an image is built. Only ``apt_packages`` and ``user_id`` remain in the image.

    Attributes:
        network: Docker's network during the build, such as ``host``; ``None`` for Docker's default.
        args: Variables that are set while requirements are installed; ``${NAME}`` in a requirement stands for one.
        proxies: ``http``, ``https`` and ``no``, as in ``http_proxy`` and its like.
        pip_index_url: Where pip finds packages; may hold credentials.
        pip_extra_index_urls: Further indexes. Builds such as ``torch==2.13.0+cpu`` come from PyTorch's own index if
            none of these has them.
        ca_bundle: A file of certificates, in PEM format, that pip trusts during the build.
        apt_packages: Debian packages to install.
        user_id: The user who runs the training; ``None`` for the base image's, mostly root.

    Raises:
        ImageBuildError: If a value is invalid.
    """

    network: str | None = None
    args: Mapping[str, str] = field(default_factory=dict, repr=False)
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    pip_index_url: str | None = field(default=None, repr=False)
    pip_extra_index_urls: tuple[str, ...] = field(default=(), repr=False)
    ca_bundle: Path | None = None
    apt_packages: tuple[str, ...] = ()
    user_id: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "pip_extra_index_urls", tuple(self.pip_extra_index_urls))
        object.__setattr__(self, "apt_packages", tuple(self.apt_packages))
        if self.ca_bundle is not None:
            object.__setattr__(self, "ca_bundle", Path(self.ca_bundle))
            if not Path(self.ca_bundle).is_file():
                raise ImageBuildError(f"ca_bundle is {str(self.ca_bundle)!r}; give a file of certificates")
        for name in self.proxies:
            if name not in _PROXIES:
                raise ImageBuildError(f"proxies has {name!r}; give some of {listed(_PROXIES)}")
        for name in self.args:
            if not re.fullmatch(r"[A-Za-z_]\w*", name):
                raise ImageBuildError(f"args has {name!r}; give names of variables")
        for url in self._urls:
            if not re.fullmatch(r"\S+", url):
                raise ImageBuildError("a package index has blanks in its URL; give pip_extra_index_urls as a list")
        for name in self.apt_packages:
            if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]*(:[a-z0-9]+)?(=[\w.:~+-]+)?", name):
                raise ImageBuildError(f"apt_packages has {name!r}; give names of Debian packages")
        if self.user_id is not None and self.user_id < 0:
            raise ImageBuildError(f"user_id is {self.user_id}; give a user's number")

    @property
    def _urls(self) -> tuple[str, ...]:
        return ((self.pip_index_url,) if self.pip_index_url else ()) + self.pip_extra_index_urls

    @property
    def has_own_index(self) -> bool:
        """Whether an index is given; it may have builds that no public index has."""
        return bool(self._urls)

    @property
    def identity(self) -> dict[str, Any]:
        """What distinguishes two builds: no secret, and nothing that does not change the image."""
        return {
            "args": sorted(self.args),
            "pip": [without_credentials(url) for url in self._urls],
            "apt": sorted(self.apt_packages),
            "user": self.user_id,
        }

    @property
    def build_args(self) -> dict[str, str]:
        """Docker's build arguments; Docker keeps those of proxies out of an image's history."""
        proxies = {f"{name}_proxy": value for name, value in self.proxies.items()}
        return {**self.args, **proxies, **{name.upper(): value for name, value in proxies.items()}}

    @property
    def pip_config(self) -> str:
        """The configuration file of pip."""
        lines = ["[global]", "no-input = true", "disable-pip-version-check = true", "progress-bar = off"]
        if self.pip_index_url:
            lines.append(f"index-url = {self.pip_index_url}")
        if self.pip_extra_index_urls:
            lines.append("extra-index-url = " + "\n    ".join(self.pip_extra_index_urls))
        return "\n".join(lines) + "\n"

    def secrets(self, requirements: Iterable[str] = ()) -> tuple[str, ...]:
        """The secrets among the values, the longest first."""
        found = {value for value in self.args.values() if len(value) >= _SHORTEST_SECRET}
        for text in (*self._urls, *self.proxies.values(), *requirements):
            for userinfo in re.findall(r"://([^/@\s]+)@", text):
                password = userinfo.partition(":")[2]
                found.update((userinfo, unquote(userinfo)))
                found.update(each for each in (password, unquote(password)) if len(each) >= _SHORTEST_SECRET)
        return tuple(sorted(found, key=len, reverse=True))


def without_credentials(url: str) -> str:
    """Returns a URL without user and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def redact(text: str, secrets: Iterable[str]) -> str:
    """Replaces each secret by ``****``."""
    for secret in secrets:
        text = text.replace(secret, "****")
    return text
