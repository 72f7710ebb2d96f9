"""How long the first image of a project's libraries takes: scikit-learn, pandas and pyarrow.

Beside it, in the same run: the same Dockerfile with ``pip install``. Both sides load the same files from the package
index, one after the other.
"""

from __future__ import annotations

import os
import re
import sys
import time
import uuid
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from harness import Figure, Scale, measure_in_turns, run
from tests.integration.docker.support import read_build_options, run_once
from tg.common.delivery.delivery.image.docker_client import connect, engine_platform
from tg.common.delivery.delivery.image.image_builder import build_image, remove_image
from tg.common.delivery.delivery.image.image_dependencies import build_dependency_recipe
from tg.common.delivery.delivery.image.image_source import find_image

BASE_IMAGE = os.environ.get("TG_TEST_BASE_IMAGE", "tg-test-base:latest")
LIBRARIES = ("scikit-learn", "pandas", "pyarrow")
PYTHON = "/opt/tg-venv/bin/python"
PROGRAM = "import pandas, pyarrow, sklearn; print(sklearn.__version__, pandas.__version__, pyarrow.__version__)"
INSTALL = re.compile(r"python3 /tg-build/requirements_install.py /opt/tg-venv")


class Build:
    """Builds the image, and removes it."""

    def __init__(self) -> None:
        self._client = connect()
        self.sizes: dict[str, int] = {}
        base = find_image(self._client, BASE_IMAGE)
        if base is None:
            sys.exit(f"there is no image {BASE_IMAGE!r}; run .ci/docker-setup")
        self._options = read_build_options()
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        self._platform = engine_platform(self._client)
        requirements = [f"{name}=={version(name)}" for name in LIBRARIES]
        self._recipe = build_dependency_recipe(base, BASE_IMAGE, python, self._platform, requirements, self._options)

    def ours(self) -> float:
        """Returns the seconds that our Dockerfile takes."""
        return self._build("ours", self._recipe.dockerfile)

    def pip(self) -> float:
        """Returns the seconds that it takes with pip, in an environment as Python makes it."""
        dockerfile = INSTALL.sub(f"{PYTHON} -m pip install --no-cache-dir", self._recipe.dockerfile)
        return self._build("pip", dockerfile.replace(" --without-pip", ""))

    def _build(self, name: str, dockerfile: str) -> float:
        # Docker would otherwise take the layers of an earlier build.
        dockerfile = dockerfile.replace(" AS tg-system\n", f" AS tg-system\nENV TG_BENCHMARK={uuid.uuid4().hex}\n")
        start = time.perf_counter()
        image = build_image(
            self._client,
            f"tg-bench-dependencies-{name}:latest",
            dockerfile,
            self._recipe.files,
            platform=self._platform,
            options=self._options,
            labels={},
            secret_texts=(),
            say=lambda line: None,
        )
        seconds = time.perf_counter() - start
        wanted = " ".join(map(version, LIBRARIES))
        if (said := run_once(self._client, image.image_id, ["-c", PROGRAM], Entrypoint=[PYTHON]).strip()) != wanted:
            sys.exit(f"the image of {name} has {said!r}, and {wanted!r} is wanted")
        found: dict[str, Any] = self._client.inspect_image(image.image_id)
        self.sizes[name] = found["Size"]
        remove_image(self._client, image.image_id)
        return seconds


def measure(scale: Scale) -> Iterator[Figure]:
    build = Build()
    seconds = measure_in_turns(scale.pick(2, 1), ours=build.ours, pip=build.pip)
    speed = "how much quicker the first image of scikit-learn, pandas and pyarrow is there"
    against = "`pip install` in the same Dockerfile"
    yield Figure.ratio(
        "dependencies.speed",
        speed,
        against,
        seconds["pip"],
        seconds["ours"],
        4,
        more_is_better=True,
    )
    sizes = [build.sizes[name] / 1e6 for name in ("ours", "pip")]
    yield Figure.ratio("dependencies.size", "its size", against, sizes[:1], sizes[1:], 1, unit="MB")


if __name__ == "__main__":
    run(measure, __doc__ or "")
