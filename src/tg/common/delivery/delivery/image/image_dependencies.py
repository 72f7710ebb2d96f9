"""The lower layer of an image: a virtual environment with a package's requirements, named by its ingredients."""

import hashlib
import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ....errors import ImageBuildError
from ..code.local_versions import Sources, find_sources
from ..package import system_libraries
from . import requirements_install
from .dockerfile_template import VENV
from .image_options import ImageBuildOptions

_REPOSITORY = "tg-dependencies"
_BUILD_FOLDER = "/tg-build"
_LIBRARIES_PROGRAM = "system_libraries.py"
_INSTALL_PROGRAM = "requirements_install.py"
_INSTALL_SOURCE = Path(requirements_install.__file__)
_LIBRARIES_LIST = f"{VENV}/debian-packages"


@dataclass(frozen=True)
class DependencyRecipe:
    """How a dependency image is built.

    Attributes:
        reference: Its name, with a hash of its ingredients as the tag.
        dockerfile: Its Dockerfile.
        files: The files that it copies, by name.
        notes: How requirements were changed, one sentence each.
    """

    reference: str
    dockerfile: str
    files: Mapping[str, bytes]
    notes: tuple[str, ...] = ()


def build_dependency_recipe(
    base: Mapping[str, Any],
    base_image: str,
    python_version: str | None,
    platform: str,
    requirements: Iterable[str],
    options: ImageBuildOptions,
    keeps_base_libraries: bool = False,
) -> DependencyRecipe:
    """Plans a dependency image. Certificates, pip's settings and build arguments stay in the builder's stage.

    An archive of this machine, as in ``tools @ file:///wheels/tools-1.0-py3-none-any.whl``, is copied to that stage.

    Args:
        base: The daemon's description of the base image.
        base_image: Its name.
        python_version: The Python that it must have, such as ``3.11``; ``None`` for any that jobs can have.
        platform: Such as ``linux/amd64``.
        requirements: In pip's notation, one requirement each.
        options: How it is built.
        keeps_base_libraries: Whether the base image's libraries can be imported, too.

    Raises:
        ImageBuildError: If a requirement is invalid, or a build for which no index is known.
    """
    requirements, archives = _bring_archives(sorted(set(requirements)))
    for requirement in requirements:
        if "\n" in requirement or requirement.lstrip().startswith("-"):
            raise ImageBuildError(
                f"{requirement!r} is not a requirement; name packages one by one, and pip's options in build_options"
            )
    try:
        sources = find_sources(requirements, has_own_index=options.has_own_index)
    except ValueError as error:
        raise ImageBuildError(f"{error}; name one that has it in pip_extra_index_urls of build") from error
    user = str(options.user_id) if options.user_id is not None else base["Config"].get("User") or "root"
    files = {
        "build/requirements.txt": "".join(f"{line}\n" for line in sources.requirements).encode(),
        "build/pip.conf": options.pip_config.encode(),
        f"build/{_LIBRARIES_PROGRAM}": Path(system_libraries.__file__).read_bytes(),
        **({} if keeps_base_libraries else {f"build/{_INSTALL_PROGRAM}": _INSTALL_SOURCE.read_bytes()}),
        **{f"build/{name}": content for name, content in archives.items()},
    }
    if keeps_base_libraries:  # which uv would not see
        venv, install = _extend_base_libraries(), f"{VENV}/bin/python -m pip install --no-cache-dir"
    elif requirements:  # which brings pip
        venv, install = f"python3 -m venv --without-pip {VENV}", f"python3 {_BUILD_FOLDER}/{_INSTALL_PROGRAM} {VENV}"
    else:
        venv, install = f"python3 -m venv {VENV}", ""
    dockerfile = _build_dockerfile(base_image, python_version, sources, user, options, venv, install)
    identity = {
        "base": base["Id"],
        "python": python_version,
        "platform": platform,
        "requirements": sources.requirements,
        "options": options.identity,
        "dockerfile": dockerfile.partition("\n")[2],
        "libraries": system_libraries.DEBIAN_PACKAGES,
        **{name: hashlib.sha256(content).hexdigest() for name, content in archives.items()},
    }
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    if options.ca_bundle is not None:
        files["build/ca.crt"] = options.ca_bundle.read_bytes()
    return DependencyRecipe(f"{_REPOSITORY}:{digest[:16]}", dockerfile, files, tuple(sources.notes))


def _bring_archives(requirements: list[str]) -> tuple[list[str], dict[str, bytes]]:
    """Returns requirements with the addresses of archives in the builder's stage, and these archives by their names."""
    brought, archives = list[str](), dict[str, bytes]()
    for requirement in requirements:
        name, _, address = requirement.partition(" @ file://")
        path = Path(unquote(address))
        if address and path.is_file():
            archives[path.name] = path.read_bytes()
            requirement = f"{name} @ file://{_BUILD_FOLDER}/{path.name}"
        elif address:
            raise ImageBuildError(f"{requirement!r} names an archive that is not there; correct it, or make it first")
        brought.append(requirement)
    return brought, archives


def _build_dockerfile(
    base_image: str,
    python_version: str | None,
    sources: Sources,
    user: str,
    options: ImageBuildOptions,
    venv: str,
    install: str,
) -> str:
    lines = [f"FROM {base_image} AS tg-system", "USER root"]
    if options.apt_packages:
        lines.append(f"RUN {_apt_install(' '.join(sorted(options.apt_packages)))}")
    lines += ["FROM tg-system AS tg-builder", *(f"ARG {name}" for name in sorted(options.args))]
    if any("git+" in line for line in sources.requirements):
        lines.append(f"RUN command -v git > /dev/null || {{ {_apt_install('git')}; }}")
    lines += [f"COPY build/ {_BUILD_FOLDER}/", f"RUN {_python_check(python_version)}", f"RUN {venv}"]
    lines += [f"RUN {command}" for command in _install_commands(sources, options, install)]
    if sources.requirements:
        lines.append(f"RUN python3 {_BUILD_FOLDER}/{_LIBRARIES_PROGRAM} {VENV} > {_LIBRARIES_LIST}")
    lines += ["FROM tg-system", f"COPY --from=tg-builder {VENV} {VENV}"]
    if sources.requirements:
        lines.append(f"RUN {_install_libraries()}")
    return "\n".join([*lines, f"USER {user}"]) + "\n"


def _extend_base_libraries() -> str:
    """Builds a command that makes an environment beside what the base image has, also on a ``PYTHONPATH`` of its own.

    The upper layer's ``PYTHONPATH`` takes the place of that one.
    """
    site = f'"$(echo {VENV}/lib/python3*/site-packages)"'
    return (
        f"python3 -m venv --system-site-packages {VENV} && "
        f"printf '%s\\n' \"$PYTHONPATH\" | tr : '\\n' > {site}/base-image.pth"
    )


def _install_commands(sources: Sources, options: ImageBuildOptions, install: str) -> list[str]:
    """Builds the commands that install requirements, first those with an index of their own."""
    if not sources.requirements:
        return []
    settings = f"PIP_CONFIG_FILE={_BUILD_FOLDER}/pip.conf"
    if options.ca_bundle is not None:
        variables = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")
        settings += "".join(f" {name}={_BUILD_FOLDER}/ca.crt" for name in variables)
    install = f"{settings} {install}"
    commands = [f"{install} -r {_BUILD_FOLDER}/requirements.txt"]
    for index, builds in sorted(sources.builds.items(), reverse=True):
        # Only these come from there; what they need is installed with everything else.
        named = " ".join(map(shlex.quote, builds))
        own = f"{install} --no-deps {named} || " if options.has_own_index else ""
        commands.insert(
            0,
            f"{own}{install} --no-deps --index-url {index} {named} || "
            f'{{ echo "ERROR: {" ".join(builds)} cannot be found at {index}; name an index that has it in '
            'pip_extra_index_urls of build"; exit 1; }',
        )
    return commands


def _apt_install(packages: str) -> str:
    return (
        "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "
        f"{packages} && rm -rf /var/lib/apt/lists/*"
    )


def _install_libraries() -> str:
    """Builds a command that installs missing shared libraries, or reports that it cannot."""
    return (
        f'packages="$(cat {_LIBRARIES_LIST})"; if [ -z "$packages" ]; then exit 0; fi; '
        "if ! command -v apt-get > /dev/null; then "
        'echo "WARNING: the base image lacks what $packages of Debian have, and has no apt-get; '
        'name a base_image that has them"; exit 0; fi; '
        f'echo "Installing $packages"; {{ {_apt_install("$packages")}; }} || '
        '{ echo "ERROR: $packages cannot be installed with apt-get, and installed libraries need them; '
        'name a base_image that has them"; exit 1; }'
    )


def _python_check(version: str | None) -> str:
    """Builds a command that fails with a reason if ``python3`` has another version, or one that jobs cannot have."""
    if version is None:
        return (
            "python3 -c \"import sys; v = '%d.%d' % sys.version_info[:2]; sys.exit(sys.version_info < (3, 10) and "
            "'the base image has Python ' + v + ', and jobs need 3.10 or later; name another base_image')\""
        )
    return (
        f"python3 -c \"import sys; v = '%d.%d' % sys.version_info[:2]; sys.exit(v != '{version}' and "
        f"'the base image has Python ' + v + ', not {version}; name another base_image, "
        "or set python_version to ' + v)\""
    )
