"""The code of a project: which modules and files a package needs, and how imports are rewritten.

It knows modules, files and distributions, but neither packages nor images.
"""

from .project_code import ProjectCode
from .project_files import ProjectFiles, collect_project_files
from .project_ignore import ProjectIgnore

__all__ = [
    "ProjectCode",
    "ProjectFiles",
    "ProjectIgnore",
    "collect_project_files",
]
