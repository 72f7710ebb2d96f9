"""Describes a run's origin beyond MLflow's own tags: whether there are uncommitted changes."""

from pathlib import Path

from tg_mlflow.tracking.tags import GIT_DIRTY_TAG


def describe_origin(folder: str) -> dict[str, str]:
    """Writes the tags of a run.

    Args:
        folder: What is trained is in it.

    Returns:
        In a git repository ``tg.git_dirty``: ``true`` if there are changes in the folder that its commit does not
        have, new modules included.
    """
    is_dirty = _is_dirty(folder)
    return {} if is_dirty is None else {GIT_DIRTY_TAG: str(is_dirty).lower()}


def _is_dirty(folder: str) -> bool | None:
    try:
        # Here, as it looks for the program on import, and complains where there is none.
        from git import Repo
        from git.exc import GitError
    except ImportError:
        return None
    try:
        repository = Repo(folder, search_parent_directories=True)
        if folder in repository.ignored(folder):
            return None  # it is no part of it
        root = Path(repository.working_tree_dir or folder)
        new = ((root / name) for name in repository.untracked_files if name.endswith(".py"))
        return bool(repository.is_dirty(path=folder)) or any(path.is_relative_to(folder) for path in new)
    except (GitError, OSError, ValueError):
        return None  # there is none, or it cannot be read
