"""Makes the names of jobs, as SageMaker takes them."""

import re
import unicodedata

from ....errors import DeliveryError

LONGEST_JOB_NAME = 63
JOB_NAME = re.compile(r"(?=.{1,63}$)[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")

_LONGEST_UNIQUE_PART = 40


def format_job_name(name: str, unique: str) -> str:
    """Writes ``<name>-<unique>`` in at most 63 letters, digits and single hyphens, none of them first or last.

    The name is cut, the unique part never is, so that names differ where their unique parts do. The point of a
    number becomes ``p`` (``LR0.1``: ``LR0p1``), the plus of an exponent is left out, accents go, and all else becomes a
    hyphen; nothing left becomes ``job``.

    Args:
        name: What people know the job by, such as its run's name.
        unique: What no other job has: at most 40 letters, digits and hyphens, no hyphen first or last.

    Raises:
        DeliveryError: If the unique part is not such a text.
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
