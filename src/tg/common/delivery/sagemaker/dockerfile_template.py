"""The Dockerfile of a training's image, as notebooks import it from here."""

from ..delivery.image.dockerfile_template import DOCKERFILE_TEMPLATE

__all__ = ["DOCKERFILE_TEMPLATE"]
