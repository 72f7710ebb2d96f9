"""What a training on SageMaker would do, without doing it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RemotePlan:
    """What :meth:`SagemakerRemoteExecutor.submit` would do now.

    Attributes:
        request: The request; where an image has yet to be built, its digest is not known yet.
        uploads: What would be uploaded, as ``(file, place in S3, bytes)``; not what is there already.
        image_repository: Where an image would be built for and pushed to; ``None`` if none is built.
        left_out_metrics: The metrics that SageMaker's console will not show, since it takes 40.
        notes: What else to know, such as a dataset that is missing.
    """

    request: Mapping[str, Any]
    uploads: Sequence[tuple[str, str, int]] = ()
    image_repository: str | None = None
    left_out_metrics: Sequence[str] = ()
    notes: Sequence[str] = ()
