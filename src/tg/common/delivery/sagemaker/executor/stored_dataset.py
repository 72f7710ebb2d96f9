"""A dataset that is stored elsewhere."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StoredDataset:
    """A dataset in S3.

    Attributes:
        uri: Its address; a folder's ends with a slash.
        digest: 32 hexadecimal characters, from the names, sizes and ETags of its objects; ``None`` if it no longer
            exists.
        size_bytes: The total size of its objects.
    """

    uri: str
    digest: str | None
    size_bytes: int
