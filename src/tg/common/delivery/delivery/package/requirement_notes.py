"""Describes requirements that an image may get in another form than they are installed here."""

from collections.abc import Iterable, Iterator

from ..code.installed_distributions import find_local_origin, find_versions, name_distribution
from ..code.local_versions import parse_local_version


def describe_unfit(requirements: Iterable[str], has_gpus: bool) -> Iterator[str]:
    """Yields a sentence for each requirement that differs in an image, or does not suit it.

    Args:
        requirements: In pip's notation.
        has_gpus: Whether the image runs on a machine with GPUs.
    """
    for requirement in requirements:
        build = parse_local_version(requirement)
        if has_gpus and build is not None and build.is_pytorch and build.local == "cpu":
            yield (
                f"{requirement}, as it is installed here, uses no GPUs; name a build that does in requirements, such "
                f"as '{build.name}=={build.public}+cu126'"
            )
        name, pin, version = requirement.partition("==")
        if pin and find_versions([name]) == {name: version} and (origin := find_local_origin(name)) is not None:
            yield (
                f"{name_distribution(name)} was installed here from {origin}, which an image cannot have, so "
                f"{requirement} is taken from the package index; if that is another library, name in requirements "
                "where it is to be had"
            )
