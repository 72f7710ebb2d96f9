"""What the README and docs/ say of containers works as it is printed."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.documentation import Reader, Story, stories
from tests.support import all_runs
from tg.common.delivery.delivery import ImageBuildOptions
from tg.common.delivery.delivery.image.docker_client import DockerClient

# Of the project, which has no other name than its folder's, and so of the image.
NAME = "tg_test_story"


@pytest.mark.parametrize("story", stories("docker"), ids=lambda story: story.name)
def test_a_page_does_what_it_says(
    story: Story,
    store: MlflowClient,
    tmp_path: Path,
    base_image: str,
    build_options: ImageBuildOptions,
    docker_client: DockerClient,
) -> None:
    build = {
        "pip_index_url": build_options.pip_index_url,
        "pip_extra_index_urls": list(build_options.pip_extra_index_urls),
        "proxies": dict(build_options.proxies),
        "ca_bundle": None if build_options.ca_bundle is None else str(build_options.ca_bundle),
    }
    reader = Reader(tmp_path / NAME, {"base_image": base_image, "build": build})
    try:
        reader.read(story)
    finally:
        for image in docker_client.images(filters={"reference": f"{NAME}*"}):
            docker_client.remove_image(image["Id"], force=True)
    (run,) = all_runs(store)
    assert (run.info.status, run.data.tags["tg.place"]) == ("FINISHED", "tg-local"), reader.output
    assert run.data.metrics["norm"] == 5.0
