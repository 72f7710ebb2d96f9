import sys
from pathlib import Path
from typing import Any, cast

import pytest

from tg.common import ImageBuildError
from tg.common.delivery.delivery import Containering, ImageBuildOptions, Packaging
from tg.common.delivery.delivery.image import requirements_install
from tg.common.delivery.delivery.image.docker_client import DockerClient
from tg.common.delivery.delivery.image.dockerfile_template import DOCKERFILE_TEMPLATE, render_dockerfile
from tg.common.delivery.delivery.image.image_dependencies import DependencyRecipe, build_dependency_recipe
from tg.common.delivery.delivery.image.image_options import redact, without_credentials
from tg.common.delivery.delivery.package import system_libraries

VALUES = {
    "dependency_image": "tg-dependencies:0123",
    "package_file": "Demo-0.tar.gz",
    "package_folder": "Demo-0",
    "run_file_name": "train.py",
}


def build_recipe(requirements: list[str] | None = None, **changes: Any) -> Any:
    arguments = {
        "base": {"Id": "sha256:1", "Config": {"User": ""}},
        "base_image": "python:3.11-slim",
        "python_version": "3.11",
        "platform": "linux/amd64",
        "options": ImageBuildOptions(),
        **changes,
    }
    return build_dependency_recipe(requirements=["b==2", "a==1"] if requirements is None else requirements, **arguments)


@pytest.mark.parametrize(
    ("name", "image"), [("Titanic", "titanic"), ("My_Task", "my_task"), ("_Odd__Name_", "odd-name")]
)
def test_an_image_is_named_like_its_package(name: str, image: str) -> None:
    containering = Containering.from_packaging(Packaging(name, "1.2", {}))
    assert (containering.image_name, containering.image_tag) == (image, "1.2")
    assert containering.dockerfile_template == DOCKERFILE_TEMPLATE
    assert containering.python_version == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert containering.dependencies == []


def test_the_dockerfile() -> None:
    assert render_dockerfile(DOCKERFILE_TEMPLATE, VALUES) == (
        "FROM tg-dependencies:0123\n"
        "ADD Demo-0.tar.gz train.py /opt/tg/\n"
        "COPY Demo-0.tar.gz /opt/tg/\n"
        "ENV PYTHONPATH=/opt/tg/Demo-0 PYTHONUNBUFFERED=1\n"
        'ENTRYPOINT ["/opt/tg-venv/bin/python", "/opt/tg/train.py"]\n'
    )


def test_braces_that_are_no_placeholders_stay() -> None:
    text = render_dockerfile(DOCKERFILE_TEMPLATE + 'ENV A=${HOME} B={"a": 1}\n', VALUES)
    assert text.endswith('ENV A=${HOME} B={"a": 1}\n')


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (
            DOCKERFILE_TEMPLATE + "RUN {run_file}\n",
            "dockerfile_template has the unknown placeholder {run_file}; did you mean 'run_file_name'?",
        ),
        (
            DOCKERFILE_TEMPLATE + "RUN {x}\n",
            "dockerfile_template has the unknown placeholder {x}; there is 'dependency_image', 'package_file', "
            "'package_folder', 'run_file_name'",
        ),
        (
            "FROM {dependency_image}\nADD {package_file} /opt/tg/\n",
            "dockerfile_template lacks 'package_folder', 'run_file_name'; start from DOCKERFILE_TEMPLATE",
        ),
    ],
)
def test_a_template_that_cannot_be_filled_in(template: str, message: str) -> None:
    with pytest.raises(ImageBuildError) as caught:
        render_dockerfile(template, VALUES)
    assert str(caught.value) == message


def test_a_dependency_image_is_named_by_all_that_it_depends_on() -> None:
    name = build_recipe().reference
    assert name.startswith("tg-dependencies:")
    assert len(name) == len("tg-dependencies:") + 16
    assert build_recipe(["a==1", "b==2", "a==1"]).reference == name
    assert build_recipe(base_image="registry.example/python:3.11-slim").reference == name
    others = [
        build_recipe(["a==1"]),
        build_recipe(base={"Id": "sha256:2", "Config": {"User": ""}}),
        build_recipe(python_version="3.12"),
        build_recipe(platform="linux/arm64"),
        build_recipe(options=ImageBuildOptions(apt_packages=["libgomp1"])),  # type: ignore[arg-type]
        build_recipe(options=ImageBuildOptions(user_id=7)),
        build_recipe(options=ImageBuildOptions(pip_index_url="https://index.example/simple")),
    ]
    assert len({name, *(other.reference for other in others)}) == len(others) + 1


def test_secrets_and_what_leads_to_the_same_image_do_not_rename_it(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").touch()
    names = {
        build_recipe(
            options=ImageBuildOptions(
                network=network,
                args={"TOKEN": token},
                proxies={"http": f"http://me:{token}@proxy.example"},
                pip_index_url=f"https://me:{token}@index.example/simple",
            )
        ).reference
        for network, token in ((None, "first"), ("host", "second"))
    }
    assert len(names) == 1


def test_the_dependency_dockerfile_keeps_settings_in_the_builders_stage(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("certificates")
    options = ImageBuildOptions(
        args={"TOKEN": "t0ken"},
        pip_index_url="https://me:s3cret@index.example/simple",
        pip_extra_index_urls=("https://more.example/simple",),
        ca_bundle=tmp_path / "ca.crt",
        apt_packages=("libgomp1", "git"),
        user_id=1000,
    )
    recipe = build_recipe(options=options)
    system, builder, final = recipe.dockerfile.split("FROM ")[1:]
    assert system.splitlines()[:2] == ["python:3.11-slim AS tg-system", "USER root"]
    assert "apt-get install -y --no-install-recommends git libgomp1 &&" in system
    assert builder.splitlines()[:3] == ["tg-system AS tg-builder", "ARG TOKEN", "COPY build/ /tg-build/"]
    copied, libraries, user = final.splitlines()[1:]
    assert (copied, user) == ("COPY --from=tg-builder /opt/tg-venv /opt/tg-venv", "USER 1000")
    assert libraries.startswith('RUN packages="$(cat /opt/tg-venv/debian-packages)"; if [ -z "$packages" ]')
    assert builder.splitlines()[-1] == (
        "RUN python3 /tg-build/system_libraries.py /opt/tg-venv > /opt/tg-venv/debian-packages"
    )
    assert "s3cret" not in recipe.dockerfile
    assert "t0ken" not in recipe.dockerfile
    assert dict(recipe.files) == {
        "build/requirements.txt": b"a==1\nb==2\n",
        "build/pip.conf": (
            b"[global]\nno-input = true\ndisable-pip-version-check = true\nprogress-bar = off\n"
            b"index-url = https://me:s3cret@index.example/simple\nextra-index-url = https://more.example/simple\n"
        ),
        "build/ca.crt": b"certificates",
        "build/requirements_install.py": Path(requirements_install.__file__).read_bytes(),
        "build/system_libraries.py": Path(system_libraries.__file__).read_bytes(),
    }


INSTALL = " python3 /tg-build/requirements_install.py /opt/tg-venv "


def pip_lines(recipe: DependencyRecipe) -> list[str]:
    lines = [line for line in recipe.dockerfile.splitlines() if INSTALL in line]
    return [line.partition(INSTALL)[2] for line in lines]


REFUSAL = (
    '|| { echo "ERROR: torch==2.13.0+cpu cannot be found at https://download.pytorch.org/whl/cpu; name an index that '
    'has it in pip_extra_index_urls of build"; exit 1; }'
)


def test_a_build_for_the_cpu_comes_from_its_own_index_and_nothing_else_does() -> None:
    recipe = build_recipe(["torch==2.13.0+cpu", "pandas==3.1.1"])
    assert pip_lines(recipe) == [
        f"--no-deps --index-url https://download.pytorch.org/whl/cpu torch==2.13.0+cpu {REFUSAL}",
        "-r /tg-build/requirements.txt",
    ]
    assert recipe.files["build/requirements.txt"] == b"pandas==3.1.1\ntorch==2.13.0+cpu\n"
    assert "pytorch.org" not in recipe.files["build/pip.conf"].decode()
    assert recipe.notes == ()


def test_an_index_of_ones_own_is_asked_for_a_build_first() -> None:
    options = ImageBuildOptions(pip_extra_index_urls=("https://index.example/simple",))
    first, *rest = pip_lines(build_recipe(["torch==2.13.0+cpu", "ours==1.2+company.3"], options=options))
    assert first.startswith("--no-deps torch==2.13.0+cpu || ")
    assert first.endswith(
        f"{INSTALL}--no-deps --index-url https://download.pytorch.org/whl/cpu torch==2.13.0+cpu {REFUSAL}"
    )
    assert rest == ["-r /tg-build/requirements.txt"]


def test_a_build_that_no_index_is_known_to_have() -> None:
    recipe = build_recipe(["ours==1.2+company.3"])
    assert recipe.files["build/requirements.txt"] == b"ours==1.2\n"
    assert recipe.notes == (
        "ours==1.2+company.3 is a build that public indexes do not have, so ours==1.2 is installed; to have that "
        "build, name an index that has it in pip_extra_index_urls of build",
    )
    with pytest.raises(ImageBuildError) as caught:
        build_recipe(["torch==2.6.0+rocm6.2"])
    assert str(caught.value) == (
        "no index is known that has 'torch==2.6.0+rocm6.2'; name one that has it in pip_extra_index_urls of build"
    )


def test_git_is_there_for_what_comes_from_a_repository() -> None:
    system, builder, final = build_recipe(["x @ git+https://git.example/x@0a1b"]).dockerfile.split("FROM ")[1:]
    assert "RUN command -v git > /dev/null || { apt-get update && " in builder
    assert "git" not in system + final


def test_without_requirements_nothing_is_looked_for() -> None:
    dockerfile = build_recipe([]).dockerfile
    assert INSTALL not in dockerfile
    assert "RUN python3 -m venv /opt/tg-venv\n" in dockerfile
    assert "system_libraries" not in dockerfile
    assert dockerfile.endswith("COPY --from=tg-builder /opt/tg-venv /opt/tg-venv\nUSER root\n")


def test_an_archive_of_this_machine_is_copied_to_the_builders_stage(tmp_path: Path) -> None:
    wheel = tmp_path / "tools-1.0-py3-none-any.whl"
    wheel.write_bytes(b"one")
    requirement = f"tools @ {wheel.as_uri()}"
    recipe = build_recipe([requirement])
    assert recipe.files["build/requirements.txt"] == b"tools @ file:///tg-build/tools-1.0-py3-none-any.whl\n"
    assert recipe.files["build/tools-1.0-py3-none-any.whl"] == b"one"
    wheel.write_bytes(b"two")
    assert build_recipe([requirement]).reference != recipe.reference
    wheel.unlink()
    with pytest.raises(ImageBuildError, match=r"names an archive that is not there; correct it, or make it first$"):
        build_recipe([requirement])


def test_a_base_image_with_libraries_keeps_them_and_its_python() -> None:
    lines = build_recipe([], python_version=None, keeps_base_libraries=True).dockerfile.splitlines()
    (made,) = [line for line in lines if "-m venv" in line]
    assert made == (
        "RUN python3 -m venv --system-site-packages /opt/tg-venv && printf '%s\\n' \"$PYTHONPATH\" | tr : '\\n' > "
        '"$(echo /opt/tg-venv/lib/python3*/site-packages)"/base-image.pth'
    )
    (check,) = [line for line in lines if "sys.version_info" in line]
    assert "sys.exit(sys.version_info < (3, 10) and " in check
    references = {build_recipe([], python_version=None, keeps_base_libraries=each).reference for each in (True, False)}
    assert len(references) == 2


@pytest.mark.parametrize("requirement", ["--index-url=https://x", "-r more.txt", "a==1\nb==2"])
def test_what_is_no_requirement(requirement: str) -> None:
    with pytest.raises(ImageBuildError, match=r"is not a requirement; name packages one by one, and pip's options in"):
        build_recipe([requirement])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ca_bundle": Path("nowhere.crt")}, "ca_bundle is 'nowhere.crt'; give a file of certificates"),
        ({"proxies": {"HTTP_PROXY": "x"}}, "proxies has 'HTTP_PROXY'; give some of 'http', 'https', 'no'"),
        ({"args": {"a b": "x"}}, "args has 'a b'; give names of variables"),
        ({"apt_packages": ("git; rm -r /",)}, "apt_packages has 'git; rm -r /'; give names of Debian packages"),
        ({"user_id": -1}, "user_id is -1; give a user's number"),
        (
            {"pip_extra_index_urls": ("https://a https://b",)},
            "a package index has blanks in its URL; give pip_extra_index_urls as a list",
        ),
    ],
)
def test_build_options_that_cannot_be_meant(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ImageBuildError) as caught:
        ImageBuildOptions(**options)
    assert str(caught.value) == message


def test_secrets_are_found_in_urls_proxies_arguments_and_requirements() -> None:
    options = ImageBuildOptions(
        args={"TOKEN": "t0ken-of-argument", "LEVEL": "3"},
        proxies={"http": "http://me:pr%40xy-pass@proxy.example"},
        pip_index_url="https://me:index-pass@index.example/simple",
        pip_extra_index_urls=("https://onlytoken@more.example/simple",),
    )
    secrets = options.secrets(["x @ git+https://user:req-pass@git.example/x"])
    shown = redact(
        "t0ken-of-argument pr%40xy-pass pr@xy-pass index-pass onlytoken req-pass level 3 index.example", secrets
    )
    assert shown == "**** **** **** **** **** **** level 3 index.example"
    assert without_credentials("https://me:index-pass@index.example:8/simple?a=b") == (
        "https://index.example:8/simple?a=b"
    )


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("image_name", "Titanic", "image_name is 'Titanic'; give lower-case letters, digits and . _ -"),
        ("image_tag", ".1", "image_tag is '.1'; give letters, digits and . _ -"),
        ("run_file_name", "../run.py", "run_file_name is '../run.py'; give the name of a Python file"),
    ],
)
def test_names_that_docker_does_not_take(attribute: str, value: str, message: str) -> None:
    containering = Containering.from_packaging(Packaging("Titanic", "0", {}))
    setattr(containering, attribute, value)
    with pytest.raises(ImageBuildError) as caught:
        containering._check_names()
    assert str(caught.value) == message


def test_an_image_that_was_built_of_the_package_is_used_as_long_as_the_daemon_has_it() -> None:
    class Daemon:
        def inspect_image(self, reference: str) -> dict[str, str]:
            return {"Id": reference}

    containering = Containering.from_packaging(Packaging("Titanic", "1.2", {}))
    containering.known_image = "sha256:12"
    image = containering.make_container(client=cast(DockerClient, Daemon()))
    assert (image.reference, image.image_id) == ("sha256:12", "sha256:12")
