"""Writes names and values so that they fit into a figure."""

from typing import Any


def as_label(name: Any, longest: int = 30) -> str:
    """One line of at most ``longest`` characters; the middle is left out, as many names differ only at their end."""
    text = " ".join(str(name).split()) or "''"
    if len(text) > longest:
        half = longest // 2
        text = f"{text[: half - 1]}…{text[-half:]}"
    # A dollar begins a formula for matplotlib, which not every name is.
    return text.replace("$", r"\$")
