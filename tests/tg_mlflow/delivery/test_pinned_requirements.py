import pytest

from tg_mlflow.delivery.pinned_requirements import pin_to_versions

VERSIONS = {"numpy": "1.26.4", "scikit-learn": "1.5.0", "joblib": "1.4.2", "torchvision": "0.19+cpu"}


@pytest.mark.parametrize(
    ("requirement", "pinned"),
    [
        ("numpy", "numpy==1.26.4"),
        ("numpy>=1.20,<2; python_version > '3.8'", "numpy==1.26.4"),
        ("NumPy [dev] ~= 1.20", "NumPy [dev]==1.26.4"),
        ("scikit_learn==1.*", "scikit_learn==1.5.0"),
        ("numpy==1.25.0", "numpy==1.25.0"),
        ("numpy @ git+https://example.com/numpy@abc", "numpy @ git+https://example.com/numpy@abc"),
        ("torchvision>=0.1", "torchvision>=0.1"),
        ("unknown>=1", "unknown>=1"),
    ],
)
def test_a_requirement_gets_the_version_that_it_had(requirement: str, pinned: str) -> None:
    others = {name: version for name, version in VERSIONS.items() if name in ("numpy", "scikit-learn", "torchvision")}
    assert pinned in pin_to_versions([requirement], others)


def test_what_was_installed_for_it_is_required_too_unless_only_a_requirement_says_where_it_is_from() -> None:
    assert pin_to_versions(["numpy==1.26.4"], VERSIONS) == ("joblib==1.4.2", "numpy==1.26.4", "scikit-learn==1.5.0")
