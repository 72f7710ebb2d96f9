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


def write_completion_marker(
    model_folder: Path, left_out: Mapping[str, str] = MappingProxyType({}), awaits_log_size: bool = False
) -> None:
    """Writes ``completed.json``, which says that a training is complete, which files it has made, and what of them is
    not here.

    To be called last. The marker appears under its name at once, with its whole content.

    Args:
        model_folder: What becomes the archive.
        left_out: Why each file is not here, by its name.
        awaits_log_size: Whether :func:`add_log_size` is to follow.

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
        if awaits_log_size:
            content["log"] = None
        with replacing_file(model_folder / COMPLETION) as file:
            file.write(json.dumps(content, indent=2).encode())


def add_log_size(model_folder: Path, size: Mapping[str, Any]) -> None:
    """Adds to ``completed.json`` how much the training has written, which is known only when it has ended.

    Raises:
        OSError: If that cannot be written; the marker then says that it is not known.
    """
    marker = model_folder / COMPLETION
    content = {**json.loads(marker.read_bytes()), "log": dict(size)}
    with replacing_file(marker) as file:
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


def parse_log_size(content: bytes) -> Mapping[str, Any] | None:
    """Reads how much a training has written, as :func:`add_log_size` was told.

    Returns:
        Nothing in it if that is not known; ``None`` if nobody has counted, as in earlier versions.
    """
    marker = json.loads(content)
    return (marker["log"] or {}) if "log" in marker else None
