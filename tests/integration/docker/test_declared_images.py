"""Scripts in images that their projects declare: as requirements, and as an image of their own."""

import json
from pathlib import Path
from typing import Any

import mlflow.projects
import pytest
from mlflow import MlflowClient

from tests.small_wheel import make_wheel
from tests.support import all_runs
from tests.text_file import write_text
from tg.common.delivery.delivery.image.docker_client import DockerClient, engine_platform
from tg.common.delivery.delivery.image.image_builder import build_image
from tg.common.delivery.delivery.image.image_options import ImageBuildOptions
from tg.common.delivery.delivery.image.image_source import find_image

pytestmark = pytest.mark.usefixtures("jobs")

SCRIPT = """
    import os
    import sys

    import tiny

    print(f"prefix={sys.prefix} flag={os.environ['FLAG']}")
    print(f"###METRIC###value:{tiny.VALUE}###")
"""


def train(folder: Path, declared: str, store: MlflowClient, **config: Any) -> tuple[str, dict[str, float], str]:
    """Trains in a container without a network; returns the run's status and metrics, and what the script has said."""
    command = "entry_points: {main: {command: python train.py}}"
    write_text(folder / "MLproject", f"name: tg-test-declared\n{declared}\n{command}\n")
    write_text(folder / "train.py", SCRIPT)
    mlflow.projects.run(str(folder), backend="tg-local", backend_config={"network": "none", **config})
    (run,) = all_runs(store)
    log = Path(store.download_artifacts(run.info.run_id, "logs/train.log", str(folder))).read_text()
    (said,) = [line for line in log.splitlines() if line.startswith("prefix=")]
    return run.info.status, run.data.metrics, said


def test_declared_libraries_make_the_dependency_layer(
    tmp_path: Path, store: MlflowClient, base_image: str, docker_client: DockerClient
) -> None:
    (tmp_path / "project").mkdir()
    make_wheel(tmp_path / "project", "tiny", "1.5", "VALUE = 7")
    content = {"dependencies": [{"pip": ["./tiny-1.5-py3-none-any.whl"]}], "variables": {"FLAG": "up"}}
    (tmp_path / "project" / "conda.yaml").write_text(json.dumps(content))
    found = train(tmp_path / "project", "conda_env: conda.yaml", store, base_image=base_image)
    assert found == ("FINISHED", {"value": 7.0}, "prefix=/opt/tg-venv flag=up")


@pytest.fixture
def company_image(docker_client: DockerClient, base_image: str) -> str:
    """An image with a library, and one on its ``PYTHONPATH``; it is kept, with what is built on it."""
    reference, base = "tg-test-company:latest", find_image(docker_client, base_image)
    assert base is not None
    labels = {"tg-test.base": base["Id"], "tg-test.version": "2"}
    found = find_image(docker_client, reference)
    if found is not None and labels.items() <= (found["Config"]["Labels"] or {}).items():
        return reference
    find = "import sysconfig; print(sysconfig.get_path('purelib'))"
    build_image(
        docker_client,
        reference,
        f"FROM {base_image}\n"
        f'RUN python3 -c "{find}" | xargs -I F sh -c "mkdir -p F; echo from company import VALUE > F/tiny.py"\n'
        "RUN mkdir /company && echo VALUE = 9 > /company/company.py\n"
        "ENV PYTHONPATH=/company\n",
        {},
        platform=engine_platform(docker_client),
        options=ImageBuildOptions(),
        labels=labels,
        secret_texts=(),
        say=lambda line: None,
    )
    return reference


def test_the_image_of_docker_env_is_built_on_and_keeps_its_libraries(
    tmp_path: Path, store: MlflowClient, company_image: str
) -> None:
    declared = f"docker_env: {{image: '{company_image}', environment: [[FLAG, down]]}}"
    found = train(tmp_path / "project", declared, store)
    assert found == ("FINISHED", {"value": 9.0}, "prefix=/opt/tg-venv flag=down")
