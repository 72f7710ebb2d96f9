"""The marker that a training is complete: the last member of its archive, which lists the others."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ....system.replaced_file import replacing_file
from .entries import collect_entries, translating_write_errors
from .names import COMPLETION

_COMPLETED = "completed"


def write_completion_marker(model_folder: Path, left_out: Mapping[str, str] = MappingProxyType({})) -> None:
    """Writes ``completed.json``, which says that a training is complete, which files it has made, and what of them is
    not here.

    To be called last. The marker appears under its name at once, with its whole content.

    Args:
        model_folder: What becomes the archive.
        left_out: Why each file is not here, by its name.

    Raises:
        ResultArchiveError: If the folder holds what an archive cannot, or the marker cannot be written.
    """
    with translating_write_errors(f"the completion marker in {str(model_folder)!r}"):
        members = [
            {"name": entry.name, "size": entry.path.stat().st_size}
            for entry in sorted(collect_entries(model_folder), key=lambda entry: entry.name)
            if entry.is_file and entry.name != COMPLETION
        ]
        content: dict[str, Any] = {
            "state": _COMPLETED,
            "time": datetime.now(timezone.utc).isoformat(),
            "members": members,
        }
        if left_out:
            content["left_out"] = dict(left_out)
        with replacing_file(model_folder / COMPLETION) as file:
            file.write(json.dumps(content, indent=2).encode())


def parse_completion_marker(content: bytes) -> Sequence[tuple[str, int]]:
    """Reads what :func:`write_completion_marker` has written: the name and the size of each file.

    Raises:
        ValueError: Like KeyError, TypeError and RecursionError: if it is damaged.
    """
    marker = json.loads(content)
    if marker["state"] != _COMPLETED:
        raise ValueError(f"its state is {marker['state']!r}")
    return [(str(member["name"]), int(member["size"])) for member in marker["members"]]


def parse_left_out(content: bytes) -> Mapping[str, str]:
    """Reads why each file that a training has made is not in its archive, by name; of a valid marker."""
    return {str(name): str(reason) for name, reason in json.loads(content).get("left_out", {}).items()}
