"""The lower layer of an image: a virtual environment with what a package needs, named by all that it depends on."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import ImageBuildError
from .dockerfile_template import VENV
from .image_options import ImageBuildOptions

_REPOSITORY = "tg-dependencies"
_BUILD_FOLDER = "/tg-build"


@dataclass(frozen=True)
class DependencyRecipe:
    """How a dependency image is built.

    Attributes:
        reference: Its name, with a hash of all that tells it from others as the tag.
        dockerfile: Its Dockerfile.
        files: What this copies, by name.
    """

    reference: str
    dockerfile: str
    files: Mapping[str, bytes]


def build_dependency_recipe(
    base: Mapping[str, Any],
    base_image: str,
    python_version: str,
    platform: str,
    requirements: Iterable[str],
    options: ImageBuildOptions,
) -> DependencyRecipe:
    """Works out a dependency image. Certificates, pip's settings and build arguments stay in the builder's stage.

    Args:
        base: What the daemon says of the base image.
        base_image: Its name.
        python_version: The Python that it must have, such as ``3.11``.
        platform: Such as ``linux/amd64``.
        requirements: In pip's notation, one requirement each.
        options: How it is built.

    Raises:
        ImageBuildError: If a requirement is something else.
    """
    requirements = sorted(set(requirements))
    for requirement in requirements:
        if "\n" in requirement or requirement.lstrip().startswith("-"):
            raise ImageBuildError(
                f"{requirement!r} is not a requirement; name packages one by one, and pip's options in build_options"
            )
    user = str(options.user_id) if options.user_id is not None else base["Config"].get("User") or "root"
    dockerfile = _build_dockerfile(base_image, python_version, bool(requirements), user, options)
    identity = {
        "base": base["Id"],
        "python": python_version,
        "platform": platform,
        "requirements": requirements,
        "options": options.identity,
        "dockerfile": dockerfile.partition("\n")[2],
    }
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    files = {
        "build/requirements.txt": "".join(f"{line}\n" for line in requirements).encode(),
        "build/pip.conf": options.pip_config.encode(),
    }
    if options.ca_bundle is not None:
        files["build/ca.crt"] = options.ca_bundle.read_bytes()
    return DependencyRecipe(f"{_REPOSITORY}:{digest[:16]}", dockerfile, files)


def _build_dockerfile(
    base_image: str, python_version: str, has_requirements: bool, user: str, options: ImageBuildOptions
) -> str:
    lines = [f"FROM {base_image} AS tg-system", "USER root"]
    if options.apt_packages:
        packages = " ".join(sorted(options.apt_packages))
        lines.append(
            "RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "
            f"{packages} && rm -rf /var/lib/apt/lists/*"
        )
    lines += ["FROM tg-system AS tg-builder", *(f"ARG {name}" for name in sorted(options.args))]
    lines += [f"COPY build/ {_BUILD_FOLDER}/", f"RUN {_python_check(python_version)}", f"RUN python3 -m venv {VENV}"]
    if has_requirements:
        settings = f"PIP_CONFIG_FILE={_BUILD_FOLDER}/pip.conf"
        if options.ca_bundle is not None:
            variables = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")
            settings += "".join(f" {name}={_BUILD_FOLDER}/ca.crt" for name in variables)
        lines.append(
            f"RUN {settings} {VENV}/bin/python -m pip install --no-cache-dir -r {_BUILD_FOLDER}/requirements.txt"
        )
    lines += ["FROM tg-system", f"COPY --from=tg-builder {VENV} {VENV}", f"USER {user}"]
    return "\n".join(lines) + "\n"


def _python_check(version: str) -> str:
    """Writes a command that fails, and says why, where ``python3`` is another one."""
    return (
        f"python3 -c \"import sys; v = '%d.%d' % sys.version_info[:2]; sys.exit(v != '{version}' and "
        f"'the base image has Python ' + v + ', not {version}; name another base_image, "
        "or set python_version to ' + v)\""
    )
