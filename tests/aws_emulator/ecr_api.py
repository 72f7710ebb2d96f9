"""Answers those operations of ECR that look into the registry; moto keeps the repositories."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

from moto.ecr.models import ecr_backends

from tests.aws_emulator.api_call import ACCOUNT_ID, ApiCall
from tests.aws_emulator.api_error import ApiError
from tests.aws_emulator.gateway import Handler
from tests.aws_emulator.registry import Registry

_TOKEN_SECONDS = 12 * 3600


class EcrApi:
    """Repositories are addressed as ``127.0.0.1:<port>/<name>``, so that pushes and pulls are real ones.

    Args:
        region: The emulator's region.
        registry: Has the images.
        folder: Stands before the name of every repository in the registry, with a slash at its end if there is any.
    """

    def __init__(self, region: str, registry: Registry, folder: str = "") -> None:
        self.address = f"{registry.address}/{folder}"
        self._backend = ecr_backends[ACCOUNT_ID][region]
        self._registry = registry
        self._folder = folder

    @property
    def handlers(self) -> dict[str, Handler]:
        """The operations by name."""
        return {
            "ecr:GetAuthorizationToken": self._get_token,
            "ecr:DescribeImages": self._describe_images,
            "ecr:ListImages": self._list_images,
            "ecr:BatchGetImage": self._batch_get_image,
        }

    def check_image(self, image: str, role: str) -> None:
        """Checks that SageMaker could pull an image.

        Raises:
            ApiError: As ``CreateTrainingJob`` answers if it could not.
        """
        if not image.startswith(self.address):
            raise ApiError("ValidationException", f"Invalid image URI {image}. Please provide a valid Amazon ECR path.")
        name, reference = _split_reference(image.removeprefix(self.address))
        if name not in self._backend.repositories:
            raise ApiError(
                "ValidationException",
                f"Cannot find repository: {name} in registry ID: {ACCOUNT_ID} Please check if your ECR repository "
                f"exists and role {role} has proper pull permissions for SageMaker: "
                "ecr:BatchCheckLayerAvailability, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer",
            )
        if self._registry.find_manifest(self._folder + name, reference) is None:
            raise ApiError("ValidationException", f"Requested image {image} not found.")

    def _get_token(self, call: ApiCall) -> dict[str, Any]:
        token = base64.b64encode(f"{self._registry.user}:{self._registry.token}".encode()).decode()
        endpoint = f"https://{self._registry.address}"
        expires = time.time() + _TOKEN_SECONDS
        return {"authorizationData": [{"authorizationToken": token, "expiresAt": expires, "proxyEndpoint": endpoint}]}

    def _describe_images(self, call: ApiCall) -> dict[str, Any]:
        details: dict[str, dict[str, Any]] = {}
        name = self._name_in(call)
        wanted = call.parameters.get("imageIds") or [{"imageTag": tag} for tag, _ in self._tags(name)]
        for image_id in wanted:
            found = self._find(name, image_id)
            if found is None:
                raise ApiError(
                    "ImageNotFoundException",
                    f"The image with imageId {{imageDigest:'{image_id.get('imageDigest', 'null')}', "
                    f"imageTag:'{image_id.get('imageTag', 'null')}'}} does not exist within the repository with name "
                    f"'{name}' in the registry with id '{ACCOUNT_ID}'",
                )
            text, digest, kind = found
            sizes = [layer.get("size", 0) for layer in json.loads(text).get("layers", ())]
            details[digest] = {
                "registryId": ACCOUNT_ID,
                "repositoryName": name,
                "imageDigest": digest,
                "imageTags": [tag for tag, each in self._tags(name) if each == digest],
                "imageSizeInBytes": sum(sizes),
                "imagePushedAt": time.time(),
                "imageManifestMediaType": kind,
            }
        return {"imageDetails": list(details.values())}

    def _list_images(self, call: ApiCall) -> dict[str, Any]:
        tags = self._tags(self._name_in(call))
        return {"imageIds": [{"imageDigest": digest, "imageTag": tag} for tag, digest in tags]}

    def _batch_get_image(self, call: ApiCall) -> dict[str, Any]:
        name = self._name_in(call)
        images, failures = [], []
        for image_id in call.parameters["imageIds"]:
            found = self._find(name, image_id)
            if found is None:
                failures.append(
                    {"imageId": image_id, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"}
                )
                continue
            text, digest, kind = found
            images.append(
                {
                    "registryId": ACCOUNT_ID,
                    "repositoryName": name,
                    "imageId": {**image_id, "imageDigest": digest},
                    "imageManifest": text,
                    "imageManifestMediaType": kind,
                }
            )
        return {"images": images, "failures": failures}

    def _name_in(self, call: ApiCall) -> str:
        name: str = call.parameters["repositoryName"]
        if name not in self._backend.repositories:
            raise ApiError(
                "RepositoryNotFoundException",
                f"The repository with name '{name}' does not exist in the registry with id '{ACCOUNT_ID}'",
            )
        return name

    def _find(self, name: str, image_id: dict[str, str]) -> tuple[str, str, str] | None:
        return self._registry.find_manifest(self._folder + name, image_id.get("imageDigest") or image_id["imageTag"])

    def _tags(self, name: str) -> Iterator[tuple[str, str]]:
        for tag in self._registry.list_tags(self._folder + name):
            found = self._registry.find_manifest(self._folder + name, tag)
            if found is not None:
                yield tag, found[1]


def _split_reference(text: str) -> tuple[str, str]:
    for separator in ("@", ":"):
        name, found, reference = text.partition(separator)
        if found:
            return name, reference
    return text, "latest"
