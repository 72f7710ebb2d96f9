from pathlib import Path

import pytest

from tests.text_file import write_text
from tg_mlflow.errors import ProjectError
from tg_mlflow.project.declared_environment import read_declared_environment
from tg_mlflow.project.environments.declaration import DeclaredEnvironment
from tg_mlflow.project.project import read_project


def read(folder: Path, **files: str) -> DeclaredEnvironment:
    """Reads the environment of a project with these files, ``_`` for ``.`` in their names; ``MLproject`` has more."""
    command = "\nentry_points: {main: {command: python train.py}}\n"
    write_text(folder / "MLproject", f"name: x\n{files.pop('MLproject', '')}{command}")
    for name, text in files.items():
        write_text(folder / f"{name.removesuffix('_yaml')}.yaml" if name.endswith("_yaml") else folder / name, text)
    return read_declared_environment(read_project(folder))


def test_nothing_is_declared(tmp_path: Path) -> None:
    assert read(tmp_path) == DeclaredEnvironment()


@pytest.mark.parametrize("declared", ["conda_env: env.yaml\n", ""])
def test_conda_env_named_in_the_mlproject_and_found_beside_it(tmp_path: Path, declared: str) -> None:
    name = "env_yaml" if declared else "conda_yaml"
    found = read(tmp_path, MLproject=declared, **{name: "dependencies: [python=3.12, numpy=2.1]"})
    source = "env.yaml" if declared else "conda.yaml"
    assert found == DeclaredEnvironment(source, "3.12", ("numpy==2.1.*",))


def test_python_env_goes_before_other_files(tmp_path: Path) -> None:
    found = read(
        tmp_path, python_env_yaml="dependencies: [numpy]", conda_yaml="dependencies: [scipy]", requirements="pandas"
    )
    assert found == DeclaredEnvironment("python_env.yaml", None, ("numpy",))


def test_the_pip_part_has_options_files_and_folders(tmp_path: Path) -> None:
    write_text(tmp_path / "more.txt", "lightgbm==4.3.0  # the boosting\n")
    conda = """
        dependencies:
          - python>=3.9
          - numpy=2.1
          - pip:
              - -r more.txt
              - --extra-index-url https://download.pytorch.org/whl/cpu
              - torch==2.1.0+cpu
              - -e .
              - git+https://github.com/ann/tools.git@v1#egg=tools
              - --pre
              - pip==24.0
    """
    assert read(tmp_path, conda_yaml=conda) == DeclaredEnvironment(
        "conda.yaml",
        None,
        ("numpy==2.1.*", "lightgbm==4.3.0", "torch==2.1.0+cpu", "tools @ git+https://github.com/ann/tools.git@v1"),
        index_urls=("https://download.pytorch.org/whl/cpu",),
        source_folders=(".",),
        notes=("conda.yaml has --pre, which is not heeded",),
    )


def test_variables_that_look_secret_are_not_copied(tmp_path: Path) -> None:
    found = read(tmp_path, conda_yaml="variables: {OMP_NUM_THREADS: 1, API_TOKEN: s3cretpw}\ndependencies: [numpy]")
    assert found.variables == {"OMP_NUM_THREADS": "1"}
    assert found.notes == (
        "the variable 'API_TOKEN' of conda.yaml is not copied; set it in the key environment, or where it is launched",
    )


def test_what_a_package_is_told(tmp_path: Path) -> None:
    write_text(tmp_path / "requirements.txt", "-i https://ann:s3cretpw@host/a\n-i https://${TOKEN}@host/b\nnumpy\n")
    assert read(tmp_path).describe() == {
        "source": "requirements.txt",
        "python_version": None,
        "base_image": None,
        "index_urls": ["https://host/a", "https://${TOKEN}@host/b"],
    }
    assert DeclaredEnvironment().describe() is None


def test_an_old_python_takes_versions_as_the_least_ones(tmp_path: Path) -> None:
    found = read(tmp_path, conda_yaml="dependencies: [python=3.6, {pip: ['mlflow==1.8.0', click, 'numpy<1.20']}]")
    assert (found.python_version, found.requirements) == (None, ("mlflow>=1.8.0", "click", "numpy"))
    assert found.notes == (
        "conda.yaml asks for Python 3.6, and jobs need 3.10 or later, so its versions are taken as the least ones: "
        "mlflow>=1.8.0, numpy",
    )


def test_releases_of_an_old_python_are_taken_as_the_least_ones(tmp_path: Path) -> None:
    found = read(tmp_path, conda_yaml="dependencies: [numpy=1.14.3, scikit-learn=0.19.1, click=6.0, {pip: [mlflow]}]")
    assert found.requirements == ("numpy>=1.14.3", "scikit-learn>=0.19.1", "click>=6.0", "mlflow")
    assert found.notes == (
        "conda.yaml asks for numpy==1.14.3.*, scikit-learn==0.19.1.*, for an older Python, and jobs need 3.10 or "
        "later, so its versions are taken as the least ones: numpy>=1.14.3, scikit-learn>=0.19.1, click>=6.0",
    )


def test_releases_that_a_declared_python_cannot_have_are_left_to_the_installer(tmp_path: Path) -> None:
    found = read(tmp_path, conda_yaml="dependencies: [python=3.11, numpy=1.14.3]")
    assert (found.python_version, found.requirements, found.notes) == ("3.11", ("numpy==1.14.3.*",), ())


def test_a_python_that_does_not_exist_is_said(tmp_path: Path) -> None:
    found = read(tmp_path, python_env_yaml="python: 4.2\ndependencies: [numpy==2.1]")
    assert (found.python_version, found.requirements) == (None, ("numpy==2.1",))
    assert found.notes == ("python_env.yaml asks for Python 4.2, which jobs cannot have",)


def test_what_pip_cannot_install_and_options_are_said(tmp_path: Path) -> None:
    found = read(tmp_path, conda_yaml="dependencies: [cudatoolkit=11, gcc, numpy, {pip: ['--pre', '-e ../shared']}]")
    assert (found.requirements, found.unavailable) == (("numpy",), ("cudatoolkit", "gcc"))
    assert found.notes == (
        "conda.yaml has --pre, ../shared, which is not heeded",
        "conda.yaml has cudatoolkit, gcc, which pip cannot install; in an image, apt_packages of the key build "
        "installs packages of Debian",
    )


def test_docker_env_is_a_base_image_with_variables(tmp_path: Path) -> None:
    docker = """docker_env:
        image: company/train:1.2
        volumes: ["/data:/data", "/models:/models:ro"]
        environment: [[EPOCHS, "5"], AWS_PROFILE, [DB_PASSWORD, "s3cretpw"]]
    """
    found = read(tmp_path, MLproject=docker.replace("        ", "  "), conda_yaml="dependencies: [numpy]")
    assert (found.source, found.base_image, found.requirements) == ("docker_env", "company/train:1.2", ())
    assert found.variables == {"EPOCHS": "5"}
    assert found.notes == (
        "the variable 'AWS_PROFILE' of docker_env is not copied; set it in the key environment, or where it is "
        "launched",
        "the variable 'DB_PASSWORD' of docker_env is not copied; set it in the key environment, or where it is "
        "launched",
        "the volumes of docker_env (/data:/data, /models:/models:ro) are not mounted; name data in the key dataset",
    )


def test_requirements_txt_where_nothing_else_is_declared(tmp_path: Path) -> None:
    write_text(tmp_path / "requirements.txt", "numpy\n--extra-index-url https://host/simple\n")
    write_text(tmp_path / "pyproject.toml", "[tool.black]\nline-length = 100\n")
    write_text(tmp_path / "setup.py", "from setuptools import setup\nsetup(install_requires=['scipy'])\n")
    found = read(tmp_path)
    assert found == DeclaredEnvironment("requirements.txt", None, ("numpy",), index_urls=("https://host/simple",))
    (tmp_path / "requirements.txt").unlink()
    assert read(tmp_path) == DeclaredEnvironment("setup.py", None, ("scipy",))


def test_dependencies_of_pyproject_go_before_requirements_txt_and_uv_lock_before_both(tmp_path: Path) -> None:
    pytest.importorskip("tomllib")
    write_text(tmp_path / "requirements.txt", "numpy\n")
    write_text(tmp_path / "pyproject.toml", '[project]\nname = "a"\ndependencies = ["scipy"]\n')
    assert read(tmp_path) == DeclaredEnvironment("pyproject.toml", None, ("scipy",))
    write_text(
        tmp_path / "uv.lock",
        """
        version = 1
        requires-python = ">=3.12"
        [[package]]
        name = "a"
        source = { virtual = "." }
        dependencies = [{ name = "scipy" }]
        [[package]]
        name = "scipy"
        version = "1.16.0"
        """,
    )
    assert read(tmp_path) == DeclaredEnvironment("uv.lock", "3.12", ("scipy==1.16.0",))


def test_a_project_that_installs_itself_brings_its_requirements_and_source_folders(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "lib").mkdir()
    write_text(tmp_path / "setup.cfg", "[options]\ninstall_requires =\n  numpy\n  scipy\n")
    write_text(tmp_path / "lib" / "setup.py", "from setuptools import setup\nsetup()\n")
    found = read(tmp_path, conda_yaml="dependencies: [numpy, {pip: ['-e .', ./lib]}]")
    assert (found.requirements, found.source_folders) == (("numpy", "scipy"), ("src", ".", "lib"))
    assert found.notes == ("what lib/setup.py requires is not read; list it in conda.yaml",)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"conda_yaml": "dependencies: {numpy: 1}"}, "conda.yaml has {'numpy': '1'} under dependencies; give a list"),
        ({"python_env_yaml": "dependencies: [-r none.txt]"}, "there is no file "),
        (
            {"conda_yaml": "dependencies: [{pip: [mlflow=1.2]}]"},
            "conda.yaml has 'mlflow=1.2', which is no requirement in pip's notation; did you mean 'mlflow==1.2'?",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, **files)
    assert message in str(caught.value)
