"""The configuration keys of the places that build an image."""

from pydantic import Field

from tg.common.delivery.delivery.image.containering import CLIENT_PYTHON, name_base_image
from tg_mlflow.places.config import PlaceConfig, Section


class BuildConfig(Section):
    """How an image is built; only ``apt_packages`` and ``user_id`` remain in the image.

    Attributes:
        network: Docker's network during the build, such as ``host``.
        args: Variables that are set while requirements are installed.
        proxies: ``http``, ``https`` and ``no``.
        pip_index_url: Where pip finds packages.
        pip_extra_index_urls: Further indexes. Builds such as ``torch==2.13.0+cpu`` come from PyTorch's own index if
            none of these has them.
        ca_bundle: A file of certificates that pip trusts during the build.
        apt_packages: Debian packages to install.
        user_id: The user who runs the training.
    """

    network: str | None = None
    args: dict[str, str] = Field(default_factory=dict)
    proxies: dict[str, str] = Field(default_factory=dict)
    pip_index_url: str | None = None
    pip_extra_index_urls: list[str] = Field(default_factory=list)
    ca_bundle: str | None = None
    apt_packages: list[str] = Field(default_factory=list)
    user_id: int | None = None


class ImageConfig(PlaceConfig):
    """Keys of the places that build an image.

    Attributes:
        requirements: A requirements file of the project, or a list such as ``["openpyxl"]``, installed besides the
            libraries that the task is found to need.
        base_image: The image to build on; by default ``python:<version>-slim``.
        python_version: By default this Python's, such as ``3.12``.
        build: How the image is built.
        docker_host: The Docker daemon, such as ``ssh://user@host``.
    """

    requirements: str | list[str] | None = None
    base_image: str | None = None
    python_version: str | None = None
    build: BuildConfig = Field(default_factory=BuildConfig)
    docker_host: str | None = None

    def find_base_image(self) -> str:
        """Returns the name of the image to build on."""
        return self.base_image or name_base_image(self.python_version or CLIENT_PYTHON)

    @property
    def has_gpus(self) -> bool:
        """Whether the job gets a machine with GPUs."""
        return False
