import importlib.metadata

import pytest

from tg.common.delivery.delivery.package import requirement_notes
from tg.common.delivery.delivery.package.requirement_notes import describe_unfit


def test_a_build_for_the_cpu_on_a_machine_with_gpus() -> None:
    requirements = ["torch==2.13.0+cpu", "torchvision==0.28.0+cu126", "ours==1+cpu"]
    assert list(describe_unfit(requirements, has_gpus=False)) == []
    assert list(describe_unfit(requirements, has_gpus=True)) == [
        "torch==2.13.0+cpu, as it is installed here, uses no GPUs; name a build that does in requirements, such as "
        "'torch==2.13.0+cu126'"
    ]


def test_what_was_installed_from_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        requirement_notes, "find_local_origin", lambda name: "file:///x.whl" if name == "numpy" else None
    )
    version = importlib.metadata.version("numpy")
    requirements = [f"numpy=={version}", "numpy==0.1", "numpy>=1", f"pandas=={importlib.metadata.version('pandas')}"]
    assert list(describe_unfit(requirements, has_gpus=False)) == [
        f"numpy was installed here from file:///x.whl, which an image cannot have, so numpy=={version} is taken from "
        "the package index; if that is another library, name in requirements where it is to be had"
    ]
