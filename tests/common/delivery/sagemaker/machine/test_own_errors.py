"""Errors of a package's own copy of this library are known as ours."""

import pytest

from tg.common import errors
from tg.common.delivery.sagemaker.machine.own_errors import raising_own_errors
from tg.common.errors import CommandFailedError, DatasetError, TgError, TrainingError


def make_class(name: str, base: type, module: str = "Points__1a2b.tg.common.errors", **members: object) -> type:
    return type(name, (base,), {"__module__": module, **members})


ROOT = make_class("TgError", Exception)
TRAINING = make_class("TrainingError", ROOT)
COMMAND = make_class("CommandFailedError", TRAINING)
# A class of a later version, one of the project, and one that only has a name of ours.
LATER = make_class("QuotaError", TRAINING)
PROJECTS = make_class(
    "NoRowsError", make_class("DatasetError", TRAINING), "Points__1a2b.tasks", __str__=lambda self: "no\n rows"
)
NAMESAKE = make_class("DatasetError", Exception, "Points__1a2b.tasks")


@pytest.mark.parametrize(
    ("kind", "own", "message"),
    [
        (ROOT, TgError, "odd"),
        (COMMAND, CommandFailedError, "odd"),
        (LATER, TrainingError, "odd"),
        (PROJECTS, DatasetError, "no rows"),
    ],
)
def test_an_error_of_a_copy_is_raised_as_ours(kind: type[Exception], own: type, message: str) -> None:
    error = kind("odd")
    error.exit_code = 3  # type: ignore[attr-defined]
    with pytest.raises(TgError) as caught, raising_own_errors():
        raise error
    assert (type(caught.value), str(caught.value), caught.value.__cause__) == (own, message, error)
    assert vars(caught.value)["exit_code"] == 3


@pytest.mark.parametrize(
    "error", [ValueError("odd"), NAMESAKE("odd"), errors.DatasetError("ours"), KeyboardInterrupt()]
)
def test_other_errors_stay_as_they_are(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, raising_own_errors():
        raise error
    assert caught.value is error
    assert error.__cause__ is None
