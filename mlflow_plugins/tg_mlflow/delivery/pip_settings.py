"""Makes what pip is told about package indexes hold for uv, which does not read pip's settings."""

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# uv's variables for pip's settings, and its other variables that say the same.
_VARIABLES = {
    "index-url": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "extra-index-url": ("UV_INDEX", "UV_EXTRA_INDEX_URL"),
    "find-links": ("UV_FIND_LINKS",),
    "trusted-host": ("UV_INSECURE_HOST",),
    "constraint": ("UV_CONSTRAINT",),
    "cert": ("SSL_CERT_FILE",),
}
_SETTING = re.compile(r"(?:global|install|:env:)\.(?P<name>[\w-]+)=(?P<value>.*)")
_SETTINGS_NAME = Path("uv", "uv.toml")


def build_uv_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Builds the variables that tell uv what pip is told, in its files and variables; none if uv has settings.

    Args:
        variables: The variables that uv gets besides.
    """
    if _has_own_settings(variables):
        return {}
    command = [sys.executable, "-m", "pip", "config", "list"]
    found = subprocess.run(command, env=dict(variables), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return parse_settings(found.stdout)


def parse_settings(text: str) -> dict[str, str]:
    """Converts the output of ``pip config list`` to uv's variables."""
    given: dict[str, str] = {}
    # What variables say goes before what files say.
    for line in sorted(text.splitlines(), key=lambda each: each.startswith(":env:")):
        setting = _SETTING.fullmatch(line)
        if setting is None or setting["name"] not in _VARIABLES:
            continue
        value = " ".join(shlex.split(setting["value"]))
        # uv separates the addresses of links by commas.
        separator = "," if setting["name"] == "find-links" else " "
        given[_VARIABLES[setting["name"]][0]] = separator.join(value.replace("\\n", " ").split())
    return given


def _has_own_settings(variables: Mapping[str, str]) -> bool:
    home = Path(variables.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser())
    files = [folder / _SETTINGS_NAME for folder in (Path("/etc"), home)]
    names = [name for each in _VARIABLES.values() for name in each if name.startswith("UV_")]
    return any(name in variables for name in (*names, "UV_CONFIG_FILE")) or any(each.exists() for each in files)
