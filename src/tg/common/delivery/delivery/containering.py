"""What goes into an image: a package, what it needs and the file that starts it."""

from .dependency_list import DependencyList
from .packaging import Packaging


class Containering:
    """Describes an image.

    Attributes:
        packaging: The package that the image holds.
        dependencies: What is installed in it.
        dockerfile_template: The text of its Dockerfile, with placeholders.
        run_file_name: The file that starts the training.
        base_image: What the image is built on.
        image_name: Its name.
        image_tag: Its tag.
        silent: Whether building it says nothing.
    """

    def __init__(self, packaging: Packaging, image_name: str, image_tag: str) -> None:
        self.packaging = packaging
        self.image_name = image_name
        self.image_tag = image_tag
        self.dependencies: list[DependencyList] = []
        self.dockerfile_template = ""
        self.run_file_name = "run.py"
        self.base_image: str | None = None
        self.silent = False

    @staticmethod
    def from_packaging(packaging: Packaging) -> "Containering":
        """Describes an image that is named, like its package, in lower case."""
        return Containering(packaging, packaging.name.lower(), packaging.version)
