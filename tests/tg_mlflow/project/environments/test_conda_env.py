from pathlib import Path

import pytest

from tests.text_file import write_text
from tg_mlflow.errors import ProjectError
from tg_mlflow.project.environments.conda_env import read_conda_env
from tg_mlflow.project.environments.declaration import Declaration


def read(folder: Path, text: str) -> Declaration:
    return read_conda_env(write_text(folder / "conda.yaml", text))


@pytest.mark.parametrize(
    ("spec", "requirement"),
    [
        ("numpy", "numpy"),
        ("numpy=1.21", "numpy==1.21.*"),
        ("numpy=1.21.*", "numpy==1.21.*"),
        ("numpy==1.21.2", "numpy==1.21.2"),
        ("numpy=1.21.2=py38h20f2e39_0", "numpy==1.21.2"),
        ("numpy 1.21.2 py38h20f2e39_0", "numpy==1.21.2"),
        ("numpy 1.21.2", "numpy==1.21.2"),
        ("numpy 1.21*", "numpy==1.21.*"),
        ("numpy = 1.21", "numpy==1.21.*"),
        ("numpy>=1.21", "numpy>=1.21"),
        ("numpy >=1.21,<2.0a0", "numpy>=1.21,<2.0a0"),
        ("numpy>=1.21.*", "numpy>=1.21"),
        ("numpy!=1.24.0", "numpy!=1.24.0"),
        ("numpy~=1.21.0", "numpy~=1.21.0"),
        ("numpy>1.20,1.21.*", "numpy>1.20,==1.21.*"),
        ("numpy *", "numpy"),
        ("conda-forge::numpy=1.21", "numpy==1.21.*"),
        ("conda-forge/linux-64::numpy", "numpy"),
        ("numpy[version='>=1.21,<2',build=py38*]", "numpy>=1.21,<2"),
        ("numpy[build=py38*]", "numpy"),
        ("xgboost=2.0rc1", "xgboost==2.0rc1"),
        ("NumPy=1.21", "numpy==1.21.*"),
        ("scikit-learn=1.3.0", "scikit-learn==1.3.0.*"),
        ("pytorch=2.1", "torch==2.1.*"),
        ("pytorch=1.7.1=py3.8_cuda10.1_cudnn7.6.3_0", "torch==1.7.1"),
        ("py-xgboost", "xgboost"),
        ("pytables>=3.8", "tables>=3.8"),
        ("py-opencv==4.5.5", "opencv-python==4.5.5.*"),
        ("tensorflow-gpu=2.4", "tensorflow==2.4.*"),
        ("ruamel_yaml", "ruamel.yaml"),
        ("python-graphviz", "graphviz"),
        ("uvicorn-standard=0.30", "uvicorn[standard]==0.30.*"),
        ("importlib_metadata", "importlib_metadata"),
        ("librosa=0.10", "librosa==0.10.*"),
        ("setuptools=58", "setuptools==58.*"),
    ],
)
def test_a_package_of_conda_becomes_a_requirement(tmp_path: Path, spec: str, requirement: str) -> None:
    found = read(tmp_path, f'dependencies:\n  - "{spec}"\n')
    assert (found.requirements, found.unavailable, found.ignored) == ((requirement,), (), ())


@pytest.mark.parametrize(
    "spec",
    [
        *("cudatoolkit=11.3", "gcc", "gxx_linux-64=9.3", "make", "r-base=4.1", "r-essentials", "graphviz", "openjdk=8"),
        *("libprotobuf=3.20", "ffmpeg", "cuda-nvcc", "pytorch-cuda=11.8", "hdf5=1.10.6=hb1b8bf9_0", "git", "arrow-cpp"),
        *(
            "jpeg=9d=h2bbff1b_0",
            "pywin32=302=py38h294d835_2",
            "m2w64-gcc-libs",
            "vs2015_runtime=14.27",
            "libcxx=12.0.0",
        ),
    ],
)
def test_what_pip_does_not_have_is_named(tmp_path: Path, spec: str) -> None:
    found = read(tmp_path, f"dependencies: [numpy, '{spec}']")
    assert (found.requirements, found.unavailable) == (("numpy",), (spec.partition("=")[0],))


def test_what_python_and_wheels_bring_along_is_left_out(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """
        name: exported
        prefix: /home/ann/miniconda3/envs/exported
        dependencies:
          - _libgcc_mutex=0.1=main
          - blas=1.0=mkl
          - ca-certificates=2021.10.26=h06a4308_2
          - mkl=2021.4.0=h06a4308_640
          - openssl=1.1.1l=h7f8727e_0
          - pip=21.2.4=py310h06a4308_0
          - python=3.10.4=h12debd9_0
          - wheel=0.37.0=pyhd3eb1b0_1
          - zlib=1.2.11=h7b6447c_3
        """,
    )
    assert (found.python, found.requirements, found.unavailable) == ("==3.10.4", (), ())


def test_the_environment_of_mlflows_tutorial(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """
        name: tutorial
        channels:
          - conda-forge
        dependencies:
          - python=3.8
          - pip
          - pip:
              - scikit-learn==1.2.0
              - mlflow>=1.0
              - pandas
        """,
    )
    lines = ("scikit-learn==1.2.0", "mlflow>=1.0", "pandas")
    assert found == Declaration(tmp_path / "conda.yaml", "==3.8.*", lines=lines)


def test_variables_are_kept_and_a_version_that_pip_cannot_express_is_said(tmp_path: Path) -> None:
    found = read(tmp_path, "variables: {OMP_NUM_THREADS: 1}\ndependencies: ['numpy=1.21|1.22', python=3.9|3.10]")
    assert (found.variables, found.requirements, found.python) == ({"OMP_NUM_THREADS": "1"}, ("numpy",), None)
    assert found.ignored == ("the version of numpy (=1.21|1.22)", "python =3.9|3.10")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dependencies: numpy", "conda.yaml has 'numpy' under dependencies; give a list"),
        (
            "dependencies: [{conda: [numpy]}]",
            "conda.yaml has the dependency {'conda': ['numpy']}; give a text such as 'numpy=2.1', or a list 'pip:'",
        ),
        ("dependencies: [{pip: numpy}]", "conda.yaml has 'numpy' under pip; give a list of requirements"),
        ("dependencies: ['(numpy)']", "conda.yaml has the dependency '(numpy)', which conda does not know"),
        ("- numpy", "conda.yaml holds a list; give names and values, such as dependencies"),
        ("a: [", "conda.yaml is not YAML: while parsing a flow node"),
    ],
)
def test_a_file_of_another_form_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
