import importlib.metadata
import os
import platform
import sys
from pathlib import Path

import pytest

from tg.common.delivery.sagemaker.runtime.job_environment import describe_environment, find_required_versions


def write_distribution(folder: Path, entry: str, metadata: str) -> None:
    (folder / entry).mkdir()
    (folder / entry / "METADATA").write_text(metadata)


def test_it_finds_what_is_required_directly_or_indirectly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_distribution(
        tmp_path,
        "One_lib-1.2.dist-info",
        "Name: One.lib\nVersion: 1.2\nLicense: a\n        \n  b\nRequires-Dist: two (>=1)\n"
        "Requires-Dist: three; extra == 'x'\nRequires-Dist: absent\n\nRequires-Dist: three\n",
    )
    write_distribution(tmp_path, "two-0+cpu.dist-info", "Name: two\nVersion: 0+cpu\nRequires-Dist: one-lib\n")
    write_distribution(tmp_path, "three-3.dist-info", "Name: three\nVersion: 3\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), "/no/such/folder"])
    assert find_required_versions(["one_LIB[x]==1.2"]) == {"one-lib": "1.2", "two": "0+cpu"}


def test_it_finds_what_importlib_finds() -> None:
    found = find_required_versions(["mlflow"])
    assert {"mlflow", "numpy", "pyyaml"} <= set(found)
    assert found == {name: importlib.metadata.version(name) for name in found}


def test_it_describes_this_process_and_nothing_that_tells_whose_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if "THREADS" in name]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    monkeypatch.setenv("SOMEBODY", "me-on-my-machine")
    found = describe_environment(["numpy==1"])
    assert (found["threads"], found["hash_seed"]) == ({"OMP_NUM_THREADS": "2"}, "0")
    assert (found["python"], found["implementation"]) == (platform.python_version(), platform.python_implementation())
    assert found["libraries"] == {"numpy": importlib.metadata.version("numpy")}
    assert 1 <= found["cpus"] <= (os.cpu_count() or 1)
    assert set(found) - {"cpu", "gpus", "memory_mb"} == {
        *("python", "implementation", "platform", "machine", "cpus", "threads", "hash_seed", "libraries")
    }
    assert "me-on-my-machine" not in str(found)
