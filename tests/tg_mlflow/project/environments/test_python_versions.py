import pytest

from tg_mlflow.project.environments.python_versions import (
    choose_python,
    is_too_old,
    list_least_versions,
    list_outdated,
)


@pytest.mark.parametrize(
    ("declared", "chosen", "is_old"),
    [
        ("==3.11.*", "3.11", False),
        ("==3.11.4", "3.11", False),
        ("==3.12", "3.12", False),
        (">=3.8", "3.11", False),
        (">=3.8,<3.11", "3.10", False),
        (">=3.12", "3.12", False),
        ("==3.*", "3.11", False),
        ("~=3.12.1", "3.12", False),
        ("==3.8.13", None, True),
        ("<3.10", None, True),
        ("==2.7.*", None, True),
        ("==4.0", None, False),
    ],
)
def test_the_python_that_is_accepted_is_this_one_or_the_oldest_that_jobs_can_have(
    declared: str, chosen: str | None, is_old: bool
) -> None:
    assert (choose_python(declared, here="3.11"), is_too_old(declared)) == (chosen, is_old)


@pytest.mark.parametrize(
    ("requirement", "is_outdated"),
    [
        ("scikit-learn==0.19.1", True),
        ("scikit_learn==0.19.*", True),
        ("numpy==1.21.*", False),
        ("numpy==1.21.1", True),
        ("numpy==1.21.2", False),
        ("numpy==1.*", False),
        ("numpy==0.*", True),
        ("numpy<1.20", True),
        ("numpy<1.21.2", True),
        ("numpy<=1.21.2", False),
        ("numpy>=1.14,<2", False),
        ("numpy>=1.14", False),
        ("pandas~=1.1.3", True),
        ("pandas~=1.3.0", False),
        ("torch==1.9.0+cu111", True),
        ("click==6.0", False),
        ("numpy @ https://host/numpy-1.0.tar.gz", False),
    ],
)
def test_a_release_that_no_job_can_have_is_told(requirement: str, is_outdated: bool) -> None:
    assert list_outdated([requirement]) == ([requirement] if is_outdated else [])


@pytest.mark.parametrize(
    ("requirement", "least"),
    [
        ("scikit-learn==0.24.1", "scikit-learn>=0.24.1"),
        ("numpy==1.19.*", "numpy>=1.19"),
        ("numpy>=1.14,<1.20", "numpy>=1.14"),
        ("numpy<1.20", "numpy"),
        ("numpy~=1.19.2", "numpy>=1.19.2"),
        ("numpy!=1.19", "numpy"),
        ("torch==1.7.0+cu101", "torch>=1.7.0"),
        ("pandas[excel]==1.1; python_version < '3.9'", 'pandas[excel]>=1.1; python_version < "3.9"'),
        ("click", "click"),
        ("tools @ git+https://host/tools.git", "tools @ git+https://host/tools.git"),
    ],
)
def test_a_version_becomes_the_least_one(requirement: str, least: str) -> None:
    assert list_least_versions([requirement]) == [least]
