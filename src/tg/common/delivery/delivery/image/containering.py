"""Describes and builds an image: a package's requirements, the package itself and its run file."""

import hashlib
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any

from ....errors import ImageBuildError, StorageError
from ....logger import Logger
from ....system.file_lock import locking_file
from ....system.temporary_folder import temporary_folder
from ....system.user_folders import FolderKind, find_user_folder
from ....system.waits import waiting_for
from ..package.dependency_list import DependencyList
from ..package.package import Package
from ..package.packaging import Packaging
from ..package.requirement_notes import describe_unfit
from ..package.run_file import build_run_file
from .code_layer import build_code_image
from .docker_client import DockerClient, connect, engine_platform
from .dockerfile_template import DOCKERFILE_TEMPLATE, render_dockerfile
from .image import Image
from .image_builder import Say, build_image, remove_image
from .image_dependencies import DependencyRecipe, build_dependency_recipe
from .image_options import ImageBuildOptions
from .image_source import find_image, find_or_pull_image
from .removals import remove

CLIENT_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"(?:[\w.-]+(?::\d+)?/)?{_COMPONENT}(?:/{_COMPONENT})*", re.ASCII)
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)


def name_base_image(python_version: str) -> str:
    """Returns the image to build on where no other one is named."""
    return f"python:{python_version}-slim"


class Containering:
    """Describes an image of two layers and builds what is missing of it.

    Attributes:
        packaging: The package in the image.
        image_name: Its name.
        image_tag: Its tag.
        image_uri: A ready-made image, which is used as it is; nothing is built then.
        known_image: The id of an image that was built of this package before: it is used if the daemon still has it.
        dependencies: Requirements to install; the package's own if the list is empty.
        dockerfile_template: The upper layer's Dockerfile, with placeholders.
        run_file_name: The file that starts the training.
        base_image: The image to build on; ``None`` for ``python:<python_version>-slim``.
        python_version: The Python in it; a pickled task needs the version that made it. ``None`` for the base image's.
        keeps_base_libraries: Whether the base image's libraries can be imported, too.
        platform: Its platform, such as ``linux/amd64`` for SageMaker; ``None`` for the daemon's.
        build_options: The build's network, package index and the like.
        has_gpus: Whether it is for a machine with GPUs.
        silent: Whether building logs nothing.
    """

    def __init__(self, packaging: Packaging, image_name: str, image_tag: str) -> None:
        self.packaging = packaging
        self.image_name = image_name
        self.image_tag = image_tag
        self.image_uri: str | None = None
        self.known_image: str | None = None
        self.dependencies: list[DependencyList] = []
        self.dockerfile_template = DOCKERFILE_TEMPLATE
        self.run_file_name = "run.py"
        self.base_image: str | None = None
        self.python_version: str | None = CLIENT_PYTHON
        self.keeps_base_libraries = False
        self.platform: str | None = None
        self.build_options = ImageBuildOptions()
        self.has_gpus = False
        self.silent = False

    @staticmethod
    def from_packaging(packaging: Packaging) -> "Containering":
        """Describes an image with its package's name and version, in lower case."""
        name = re.sub(r"[^a-z0-9._-]+|[._-]{2,}", "-", packaging.name.lower()).strip("._-")
        return Containering(packaging, name, packaging.version)

    def make_container(self, package: Package | None = None, client: DockerClient | None = None) -> Image:
        """Builds the image, unless there is one with this package, these dependencies and this template.

        Args:
            package: The package; by default, it is made now.
            client: The daemon; by default that of ``DOCKER_HOST``, or else the local one.

        Raises:
            ImageBuildError: If it cannot be built.
            ContainerError: If the daemon cannot be reached.
        """
        client = client or connect()
        say: Say = _say_nothing if self.silent else Logger.info
        if self.image_uri is not None:
            found = find_or_pull_image(client, self.image_uri, self.platform, "image", say)
            return Image(self.image_uri, found["Id"])
        if self.known_image is not None and find_image(client, self.known_image) is not None:
            return Image(self.known_image, self.known_image)
        self._check_names()
        if package is not None:
            return self._make_image(client, package, say)
        with temporary_folder() as folder:
            return self._make_image(client, self.packaging.make_package(folder), say)

    def _check_names(self) -> None:
        if not _NAME.fullmatch(self.image_name):
            raise ImageBuildError(f"image_name is {self.image_name!r}; give lower-case letters, digits and . _ -")
        if not _TAG.fullmatch(self.image_tag):
            raise ImageBuildError(f"image_tag is {self.image_tag!r}; give letters, digits and . _ -")
        if not re.fullmatch(r"\w[\w.-]*\.py", self.run_file_name):
            raise ImageBuildError(f"run_file_name is {self.run_file_name!r}; give the name of a Python file")

    def _make_image(self, client: DockerClient, package: Package, say: Say) -> Image:
        recipe = self._build_dependency_recipe(client, package, say)
        dockerfile = render_dockerfile(
            self.dockerfile_template,
            {
                "dependency_image": recipe.reference,
                "package_file": package.path.name,
                "package_folder": package.folder_name,
                "run_file_name": self.run_file_name,
            },
        )
        run_file = build_run_file(package.module_name, package.folder_name)
        reference = f"{self.image_name}:{self.image_tag}"
        labels = {
            "tg-mlflow.package-sha256": package.sha256,
            "tg-mlflow.dependencies": recipe.reference,
            "tg-mlflow.template-sha256": hashlib.sha256((dockerfile + run_file).encode()).hexdigest(),
        }
        previous = find_image(client, reference)
        if previous is not None and _has_labels(previous, labels):
            return Image(reference, previous["Id"])
        if find_image(client, recipe.reference) is None:
            with _building_alone(recipe.reference):
                self._build_dependencies(client, recipe, package, say)
        say(f"Building {reference}: {package.path.name} on {recipe.reference}")
        image = self._build_code_image(client, reference, recipe.reference, dockerfile, package, run_file, labels, say)
        if previous is not None and set(previous["RepoTags"]) <= {reference}:
            remove(partial(remove_image, client, previous["Id"]))
        return image

    def _build_code_image(
        self,
        client: DockerClient,
        reference: str,
        base: str,
        dockerfile: str,
        package: Package,
        run_file: str,
        labels: Mapping[str, str],
        say: Say,
    ) -> Image:
        """Builds the upper layer: in one step, or by Docker if it is told otherwise by another template."""
        files: dict[str, bytes] = {self.run_file_name: run_file.encode()}
        if self.dockerfile_template == DOCKERFILE_TEMPLATE:
            has_this_python = self.python_version == CLIENT_PYTHON
            return build_code_image(client, reference, base, dockerfile, package, files, labels, has_this_python)
        return build_image(
            client,
            reference,
            dockerfile,
            {package.path.name: package.path, **files},
            platform=self.platform or engine_platform(client),
            options=ImageBuildOptions(network=self.build_options.network, proxies=self.build_options.proxies),
            labels=labels,
            secret_texts=self.build_options.secrets(self._requirements(package)),
            say=say,
        )

    def _build_dependencies(self, client: DockerClient, recipe: DependencyRecipe, package: Package, say: Say) -> None:
        """Builds the lower layer, unless another launcher has built it meanwhile."""
        if find_image(client, recipe.reference) is not None:
            return
        for note in (*recipe.notes, *describe_unfit(self._requirements(package), self.has_gpus)):
            Logger.warning(note)
        say(f"Building {recipe.reference}: what {package.name} needs")
        with waiting_for(f"the build of image {recipe.reference}"):
            build_image(
                client,
                recipe.reference,
                recipe.dockerfile,
                recipe.files,
                platform=self.platform or engine_platform(client),
                options=self.build_options,
                labels={},
                secret_texts=self.build_options.secrets(self._requirements(package)),
                say=say,
            )

    def _build_dependency_recipe(self, client: DockerClient, package: Package, say: Say) -> DependencyRecipe:
        base_image = self.base_image or name_base_image(self.python_version or CLIENT_PYTHON)
        base = find_or_pull_image(client, base_image, self.platform, "base image", say)
        return build_dependency_recipe(
            base,
            base_image,
            self.python_version,
            self.platform or engine_platform(client),
            self._requirements(package),
            self.build_options,
            keeps_base_libraries=self.keeps_base_libraries,
        )

    def _requirements(self, package: Package) -> list[str]:
        given = [requirement for each in self.dependencies for requirement in each.dependencies]
        return given or list(package.requirements)


@contextmanager
def _building_alone(reference: str) -> Iterator[None]:
    """Waits until no other launcher of this machine builds an image; where no lock can be kept, for nobody."""
    with ExitStack() as stack:
        with suppress(OSError, StorageError):
            path = find_user_folder(FolderKind.CACHE, "images") / f"{reference.replace(':', '-')}.lock"
            stack.enter_context(locking_file(path, f"another launcher, which builds {reference}"))
        yield


def _has_labels(image: dict[str, Any], labels: dict[str, str]) -> bool:
    present = image["Config"].get("Labels") or {}
    return all(present.get(name) == value for name, value in labels.items())


def _say_nothing(line: str) -> None:
    pass
