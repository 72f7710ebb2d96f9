"""Builds names of jobs that SageMaker accepts."""

import re
import unicodedata

from ....errors import DeliveryError

LONGEST_JOB_NAME = 63
JOB_NAME = re.compile(r"(?=.{1,63}$)[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")

_LONGEST_UNIQUE_PART = 40


def format_job_name(name: str, unique: str) -> str:
    """Formats ``<name>-<unique>`` with at most 63 letters, digits and single hyphens, none of these first or last.

    The name may be cut, the unique part never is, so that names differ if their unique parts do. A decimal point
    becomes ``p`` (``LR0.1``: ``LR0p1``), the plus of an exponent and accents are dropped, and all else becomes a
    hyphen; an empty name becomes ``job``.

    Args:
        name: A readable name, such as the run's.
        unique: A part that no other job has: at most 40 letters, digits and hyphens, no hyphen first or last.

    Raises:
        DeliveryError: If the unique part is invalid.
    """
    if not re.fullmatch(r"[a-zA-Z0-9]+(-+[a-zA-Z0-9]+)*", unique) or len(unique) > _LONGEST_UNIQUE_PART:
        raise DeliveryError(
            f"the unique part of a job's name is {unique!r}; give at most {_LONGEST_UNIQUE_PART} letters, digits and "
            "hyphens, no hyphen first or last"
        )
    decomposed = unicodedata.normalize("NFKD", name)
    text = "".join(each for each in decomposed if not unicodedata.combining(each))
    text = re.sub(r"(?<=[0-9])\.(?=[0-9])", "p", text)
    text = re.sub(r"(?<=[0-9]e)\+(?=[0-9])", "", text)
    text = re.sub(r"[^a-zA-Z0-9]+", "-", text).strip("-")
    stem = text[: LONGEST_JOB_NAME - len(unique) - 1].strip("-") or "job"
    return f"{stem}-{unique}"
