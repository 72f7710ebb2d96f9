"""What is secret: by its name, by its type, by where it stands in a text, and in which forms programs write it."""

from .hiding_types import hide_as, is_hidden, names_hiding_type, reveal, reveal_all
from .mask import MaskedStream, SecretMask
from .names import looks_secret
from .positions import MASK

__all__ = [
    "MASK",
    "MaskedStream",
    "SecretMask",
    "hide_as",
    "is_hidden",
    "looks_secret",
    "names_hiding_type",
    "reveal",
    "reveal_all",
]
