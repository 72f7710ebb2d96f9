"""The result archive: written in the job, and opened elsewhere without trusting its content.

It knows packages, since an archive contains one, but neither executors nor places.
"""

from typing import TYPE_CHECKING

from ....lazy_names import lazy_names

_HOMES = {
    "ArchiveLimits": ".safe_extraction",
    "ResultArchive": ".result_archive",
    "write_completion_marker": ".completion",
    "write_result_archive": ".writer",
    "write_result_archive_from_tar": ".writer",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from .completion import write_completion_marker as write_completion_marker
    from .result_archive import ResultArchive as ResultArchive
    from .safe_extraction import ArchiveLimits as ArchiveLimits
    from .writer import write_result_archive as write_result_archive
    from .writer import write_result_archive_from_tar as write_result_archive_from_tar
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
