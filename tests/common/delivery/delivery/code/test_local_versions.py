import pytest

from tg.common.delivery.delivery.code.local_versions import find_index_options, find_sources, parse_local_version

INDEX = "https://download.pytorch.org/whl"


@pytest.mark.parametrize(
    ("requirement", "index"),
    [
        ("torch==2.13.0+cpu", f"{INDEX}/cpu"),
        ("Torch == 2.13.0+cpu", f"{INDEX}/cpu"),
        ("torchvision===0.28.0+cu126", f"{INDEX}/cu126"),
        ("torchaudio[extra]==2.13.0+cu130 ; python_version > '3'", f"{INDEX}/cu130"),
        ("torch==2.14.0.dev20261101+cpu", f"{INDEX}/nightly/cpu"),
        ("torch==2.6.0+rocm6.2", None),
        ("torch==2.6.0a0+git1234567", None),
        ("ours==1.2+cpu", None),
    ],
)
def test_the_index_of_a_build(requirement: str, index: str | None) -> None:
    build = parse_local_version(requirement)
    assert build is not None
    assert build.index_url == index


@pytest.mark.parametrize(
    "requirement",
    ["torch", "torch>=2", "torch==2.13.0", "x @ https://e.org/x-1+cpu.whl", "git+https://e.org/x", "a==1; b > '1+2'"],
)
def test_what_asks_for_no_build(requirement: str) -> None:
    assert parse_local_version(requirement) is None


def test_other_builds_become_public_versions_unless_an_index_is_named() -> None:
    requirements = ["a==1.2+company.3", "b[x]==2+abc ; python_version > '3'", "torch==2.13.0+cpu", "c>=1"]
    sources = find_sources(requirements, has_own_index=False)
    assert sources.requirements == ["a==1.2", "b[x]==2 ; python_version > '3'", "torch==2.13.0+cpu", "c>=1"]
    assert sources.builds == {f"{INDEX}/cpu": ["torch==2.13.0+cpu"]}
    assert [note.partition(" is a build ")[0] for note in sources.notes] == requirements[:2]
    kept = find_sources(requirements, has_own_index=True)
    assert (kept.requirements, kept.builds, kept.notes) == (requirements, sources.builds, [])


def test_builds_are_grouped_by_index() -> None:
    requirements = ["torch==2.13.0+cpu", "torchvision==0.28.0+cpu", "torchaudio==2.13.0+cu126"]
    assert find_sources(requirements, has_own_index=False).builds == {
        f"{INDEX}/cpu": requirements[:2],
        f"{INDEX}/cu126": requirements[2:],
    }


def test_a_build_of_pytorch_is_never_replaced_by_another_one() -> None:
    with pytest.raises(ValueError, match=r"^no index is known that has 'torch==2\.6\.0\+rocm6\.2'$"):
        find_sources(["torch==2.6.0+rocm6.2"], has_own_index=False)
    assert find_sources(["torch==2.6.0+rocm6.2"], has_own_index=True).requirements == ["torch==2.6.0+rocm6.2"]


def test_the_options_by_which_pip_finds_builds() -> None:
    requirements = ["torch==2.13.0+cpu", "pandas==3.1.1", "torchaudio==2.13.0+cu126", "ours==1.2+company.3"]
    assert find_index_options(requirements) == [f"--extra-index-url {INDEX}/cpu", f"--extra-index-url {INDEX}/cu126"]
    assert find_index_options(["pandas==3.1.1"]) == []
