"""Requirements that name the versions with which a package was trained, where they leave them open."""

import re
from collections.abc import Iterable, Mapping

from tg.common.delivery.delivery.code.installed_distributions import name_distribution

# A distribution with its extras.
_NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\])?")
_EXACT = re.compile(r"===|==(?![^,;]*\*)|\s@\s")


def pin_to_versions(requirements: Iterable[str], versions: Mapping[str, str]) -> tuple[str, ...]:
    """Adds versions to requirements that leave them open, and requirements of what these have brought with them.

    Args:
        requirements: In pip's notation. One that is of one version or address stays as it is.
        versions: What was installed for them, by normalized names. A build such as ``1.2+company.3`` is left out: only
            a requirement itself says where it is from.
    """
    open_versions = {name: version for name, version in versions.items() if "+" not in version}
    lines = list[str]()
    for line in requirements:
        version = open_versions.pop(name_distribution(line), None)
        is_open = version is not None and not _EXACT.search(line)
        found = _NAMED.match(line) if is_open else None
        lines.append(f"{found[0].strip()}=={version}" if found else line)
    return tuple(sorted([*lines, *(f"{name}=={version}" for name, version in open_versions.items())], key=str.lower))
