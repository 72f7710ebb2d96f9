"""Brings values into a form that any tracking server stores, and that has no secrets."""

from mlflow.entities import Dataset

from tg.common.secrets import SecretMask


def make_storable(text: str) -> str:
    """Escapes half characters, as in the names of some files, and the character NUL, which PostgreSQL refuses."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def mask_dataset(dataset: Dataset, mask: SecretMask) -> Dataset:
    """Masks a dataset's name, source and columns."""
    fields = {name: value and make_storable(mask.mask(value)) for name, value in dataset.to_dictionary().items()}
    return Dataset(**fields)
