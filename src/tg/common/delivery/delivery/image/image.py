"""A built image."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Image:
    """An image that the daemon has.

    Attributes:
        reference: Its name and tag.
        image_id: Its id, ``sha256:…``, which stays the same when another image takes the name.
    """

    reference: str
    image_id: str

    def __str__(self) -> str:
        return self.reference
