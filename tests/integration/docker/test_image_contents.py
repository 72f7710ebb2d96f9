"""What an image gets besides requirements, and how it says what it lacks."""

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from tests.integration.docker.support import run_once
from tg.common import ImageBuildError
from tg.common.delivery.delivery import Containering, Packaging
from tg.common.delivery.delivery.code.installed_distributions import CORE, pin_distributions
from tg.common.delivery.delivery.image.docker_client import DockerClient
from tg.common.delivery.delivery.image.image_check import check_image
from tg.common.delivery.delivery.package.package import Package

Make = Callable[..., Containering]

BOOSTERS = """
import lightgbm, numpy, xgboost
x, y = numpy.arange(40.0).reshape(20, 2), numpy.arange(20) % 2
data = lightgbm.Dataset(x, y, params={"verbose": -1})
print(lightgbm.train({"objective": "binary", "verbose": -1}, data, 2).predict(x).shape)
print(xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(x, y), 2).predict(xgboost.DMatrix(x)).shape)
"""


def test_boosters_find_the_libraries_of_the_system_that_they_need(
    docker_client: DockerClient, make_containering: Make, package: Package
) -> None:
    containering = make_containering("boosters", ["lightgbm", "xgboost-cpu"])
    image = containering.make_container(package, docker_client)
    output = run_once(docker_client, image.image_id, ["-c", BOOSTERS], Entrypoint=["/opt/tg-venv/bin/python"])
    assert output.splitlines() == ["(20,)", "(20,)"]


def test_an_image_says_what_it_lacks(
    docker_client: DockerClient, make_containering: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site-packages"
    site.mkdir()
    (site / "tg_test_lacking.py").write_text("")
    (tmp_path / "lacking_task.py").write_text("import tg_test_lacking\n\n\nclass Lacking:\n    pass\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(site), str(tmp_path)])
    packaging = Packaging("Lacking", "0", {"job": import_module("lacking_task").Lacking()})
    # The dependencies of other tests' images, so that there is nothing to build but the package.
    containering = make_containering("lacking", list(pin_distributions(CORE)), packaging=packaging)
    image = containering.make_container(packaging.make_package(tmp_path), docker_client)
    with pytest.raises(ImageBuildError) as caught:
        check_image(docker_client, image)
    assert str(caught.value) == (
        "image 'tg-test-lacking:0' cannot run this training: 'tg_test_lacking' cannot be imported: the module "
        "'tg_test_lacking' is missing; for an image that is built here, add its library, such as "
        '"requirements": ["tg_test_lacking"]'
    )
    assert "Job has failed: 'tg_test_lacking' cannot be imported" in run_once(docker_client, image.image_id, ["train"])
