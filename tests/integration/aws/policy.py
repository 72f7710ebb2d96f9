"""Reads the IAM policies in ``docs/iam`` as AWS does, and says what they allow."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.aws_emulator.api_call import ACCOUNT_ID, ApiCall
from tests.integration.aws.support import BUCKET
from tests.support import ROOT

REGION = "eu-central-1"
VALUES = {
    "ACCOUNT_ID": ACCOUNT_ID,
    "BUCKET": BUCKET,
    "KEY_ID": "11111111-2222-3333-4444-555555555555",
    "PROJECT": "numbers",
    "REGION": REGION,
    "REPOSITORY": "numbers",
    "ROLE": "TrainingRole",
    "SECURITY_GROUP": "sg-1",
    "SUBNET": "subnet-1",
}
"""What the tests write for the words in capital letters."""

FOLDER = ROOT / "docs" / "iam"
NEEDS_NO_PERMISSION = {"sts:GetCallerIdentity"}
"""What AWS allows everybody who has valid credentials, even where a policy denies it."""


def list_documents() -> list[Path]:
    """All policies in ``docs/iam``."""
    return sorted(FOLDER.glob("*.json"))


def read_document(path: Path, values: Mapping[str, str]) -> str:
    """A policy with values in the place of ``BUCKET`` and the other words in capital letters."""
    text = path.read_text(encoding="utf-8")
    for word, value in values.items():
        text = re.sub(rf"(?<![A-Z_]){word}(?![A-Z_])", value, text)
    return text


class Policy:
    """Several documents that are attached to one identity.

    Args:
        documents: Their names in ``docs/iam``, without ``.json``.
        values: Others than in ``VALUES``.

    Attributes:
        used: The statements that have allowed something, each with the action, and with the resource's pattern.
        denied: The actions that were asked for and not allowed, with their resources.
    """

    def __init__(self, *documents: str, **values: str) -> None:
        self.statements: list[Mapping[str, Any]] = []
        for name in documents:
            text = read_document(FOLDER / f"{name}.json", {**VALUES, **values})
            self.statements += json.loads(text)["Statement"]
        self.used: set[tuple[str, str]] = set()
        self.denied: set[tuple[str, str]] = set()

    def __call__(self, call: ApiCall) -> bool:
        """Whether it allows a call, with all that the call needs besides the permission of its name."""
        return all([self.allows(*each) for each in _list_needs(call)])

    def allows(self, action: str, resource: str, context: Mapping[str, str] | None = None) -> bool:
        """Whether a statement allows an action, and its conditions hold; notes which.

        Raises:
            ValueError: For a condition that is not known here.
        """
        if action in NEEDS_NO_PERMISSION:
            return True
        for statement in self.statements:
            actions = [each for each in as_list(statement["Action"]) if _matches(each, action, re.IGNORECASE)]
            patterns = [each for each in as_list(statement["Resource"]) if _matches(each, resource)]
            if actions and patterns and _holds(statement.get("Condition", {}), context or {}):
                self.used.update((statement["Sid"], each) for each in (*actions, *patterns))
                return True
        self.denied.add((action, resource))
        return False

    def list_unused(self) -> set[tuple[str, str]]:
        """The actions and the resources' patterns that nothing has needed so far, with their statements."""
        named = {
            (statement["Sid"], each)
            for statement in self.statements
            for each in (*as_list(statement["Action"]), *as_list(statement["Resource"]))
        }
        return named - self.used


def as_list(value: str | list[str]) -> list[str]:
    """What a policy may write as a text or as a list of texts."""
    return [value] if isinstance(value, str) else value


def _list_needs(call: ApiCall) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    yield call.action, call.resource, call.context
    if call.name == "sagemaker:CreateTrainingJob":
        yield "iam:PassRole", call.parameters["RoleArn"], {"iam:PassedToService": "sagemaker.amazonaws.com"}
        if call.parameters.get("Tags"):
            yield "sagemaker:AddTags", call.resource, {"sagemaker:TaggingAction": "CreateTrainingJob"}


def _matches(pattern: str, text: str, flags: int = 0) -> bool:
    """Whether a pattern fits, in which ``*`` stands for any text and ``?`` for any character."""
    expression = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern)
    return re.fullmatch(expression, text, flags | re.DOTALL) is not None


def _holds(condition: Mapping[str, Mapping[str, str | list[str]]], context: Mapping[str, str]) -> bool:
    return all(
        _fits(operator, as_list(expected), context.get(key))
        for operator, tests in condition.items()
        for key, expected in tests.items()
    )


def _fits(operator: str, expected: list[str], value: str | None) -> bool:
    plain = operator.removesuffix("IfExists")
    if value is None:
        return plain != operator
    if plain in ("StringLike", "ArnLike"):
        return any(_matches(each, value) for each in expected)
    if plain in ("StringEquals", "Bool"):
        return value in expected
    raise ValueError(f"the condition {operator!r} is not known; add it")
