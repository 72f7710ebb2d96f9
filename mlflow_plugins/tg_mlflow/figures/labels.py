"""Formats names and values so that they fit into a figure."""

from typing import Any


def as_label(name: Any, longest: int = 30) -> str:
    """Formats one line of at most ``longest`` characters, without the middle, as many names differ at their ends."""
    text = " ".join(str(name).split()) or "''"
    if len(text) > longest:
        half = longest // 2
        text = f"{text[: half - 1]}…{text[-half:]}"
    # For matplotlib, a dollar begins a formula.
    return text.replace("$", r"\$")
