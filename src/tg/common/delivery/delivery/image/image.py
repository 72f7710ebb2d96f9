"""A built image."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Image:
    """An image that the daemon has.

    Attributes:
        reference: Its name and tag.
        image_id: What it is, ``sha256:…``: it stays the same when the name is given to another image.
    """

    reference: str
    image_id: str

    def __str__(self) -> str:
        return self.reference
