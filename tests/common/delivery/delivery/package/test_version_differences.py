"""Versions that differ are what an object that cannot be loaded is told with."""

import platform
from collections.abc import Mapping
from typing import Any

import pytest

from tg.common.delivery.delivery.package.version_differences import describe_differences, explaining_versions
from tg.common.errors import DeliveryError, PackagingError

OLD = {"python_version": "3.1.0"}
SAID = f"it was made with Python 3.1.0 (here {platform.python_version()}); use these versions"


def test_an_error_of_others_is_told_with_the_versions() -> None:
    with pytest.raises(DeliveryError) as caught, explaining_versions("'job' cannot be loaded", OLD):
        raise AttributeError("no x")
    assert str(caught.value) == f"'job' cannot be loaded: AttributeError: no x; {SAID}"


@pytest.mark.parametrize("properties", [{}, {"python_version": platform.python_version(), "library_versions": {}}])
def test_without_a_difference_it_stays(properties: Mapping[str, Any]) -> None:
    assert describe_differences(properties) is None
    with pytest.raises(AttributeError, match="no x"), explaining_versions("it", properties):
        raise AttributeError("no x")


def test_an_error_of_ours_stays() -> None:
    with pytest.raises(PackagingError, match=r"^it is not there$"), explaining_versions("it", OLD):
        raise PackagingError("it is not there")
