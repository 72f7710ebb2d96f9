"""The upper layer of an image: a package and its run file."""

import re
from collections.abc import Mapping

from ....errors import ImageBuildError, listed, suggestion

VENV = "/opt/tg-venv"

DOCKERFILE_TEMPLATE = """\
FROM {dependency_image}
ADD {package_file} {run_file_name} /opt/tg/
COPY {package_file} /opt/tg/
ENV PYTHONPATH=/opt/tg/{package_folder} PYTHONUNBUFFERED=1
ENTRYPOINT ["/opt/tg-venv/bin/python", "/opt/tg/{run_file_name}"]
"""

PLACEHOLDERS = ("dependency_image", "package_file", "package_folder", "run_file_name")

# `${HOME}` is Docker's or the shell's, and `{"a": 1}` is JSON.
_PLACEHOLDER = re.compile(r"(?<!\$)\{(\w+)\}")


def render_dockerfile(template: str, values: Mapping[str, str]) -> str:
    """Fills in a Dockerfile's placeholders.

    Args:
        template: Text with every placeholder of :data:`PLACEHOLDERS` at least once.
        values: The value of each placeholder.

    Raises:
        ImageBuildError: If the template has an unknown placeholder, or lacks one.
    """
    names = _PLACEHOLDER.findall(template)
    for name in names:
        if name not in PLACEHOLDERS:
            raise ImageBuildError(
                f"dockerfile_template has the unknown placeholder {{{name}}}; {suggestion(name, PLACEHOLDERS)}"
            )
    if missing := [name for name in PLACEHOLDERS if name not in names]:
        raise ImageBuildError(f"dockerfile_template lacks {listed(missing)}; start from DOCKERFILE_TEMPLATE")
    return _PLACEHOLDER.sub(lambda match: values[match[1]], template)
