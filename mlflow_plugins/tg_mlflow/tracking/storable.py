"""Text that every store of MLflow's takes."""


def make_storable(text: str) -> str:
    """Escapes half characters, as in the names of some files, and the character NUL, which PostgreSQL refuses."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
