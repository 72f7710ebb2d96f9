"""What the operating system needs care with: signals, temporary folders, replaced files, tar archives.

Nothing about trainings, packages or jobs may enter: every other room may use this one.
"""

from typing import TYPE_CHECKING

from ..lazy_names import lazy_names

_HOMES = {
    "extract_files": ".tar_extraction",
    "replacing_file": ".replaced_file",
    "temporary_folder": ".temporary_folder",
    "terminating_as_interrupt": ".interrupts",
    "uninterrupted": ".interrupts",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from .interrupts import terminating_as_interrupt as terminating_as_interrupt
    from .interrupts import uninterrupted as uninterrupted
    from .replaced_file import replacing_file as replacing_file
    from .tar_extraction import extract_files as extract_files
    from .temporary_folder import temporary_folder as temporary_folder
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
