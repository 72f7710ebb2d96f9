"""A dataset that is not on this machine."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StoredDataset:
    """A dataset in S3.

    Attributes:
        uri: Its place; a folder's ends with a slash.
        digest: 32 hexadecimal characters, made of the names, sizes and ETags of its objects; ``None`` if there is
            nothing any more.
        size_bytes: How large its objects are together.
    """

    uri: str
    digest: str | None
    size_bytes: int
