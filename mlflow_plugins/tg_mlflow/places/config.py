"""What a user may say about where and how a project trains, checked key by key."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from mlflow.projects.utils import (
    PROJECT_BUILD_IMAGE,
    PROJECT_DOCKER_ARGS,
    PROJECT_DOCKER_AUTH,
    PROJECT_ENV_MANAGER,
    PROJECT_STORAGE_DIR,
    PROJECT_SYNCHRONOUS,
)
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tg.common.errors import suggestion
from tg.common.secret_mask import SecretMask
from tg_mlflow.errors import BackendConfigError

DEFAULTS_FILE = "tg.json"

# MLflow puts these into every backend's configuration; they are not the user's.
_FROM_MLFLOW = {
    PROJECT_BUILD_IMAGE,
    PROJECT_DOCKER_ARGS,
    PROJECT_DOCKER_AUTH,
    PROJECT_ENV_MANAGER,
    PROJECT_STORAGE_DIR,
    PROJECT_SYNCHRONOUS,
}


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LogConfig(_Section):
    """What is logged for people to look at, besides the log, the result archive and the package.

    Attributes:
        figures: Curves, confusion matrices and the like, and their data.
        tables: A sample of the predictions.
        dataset: The dataset as an input of the run.
        model: The model in MLflow's format.
        check_model: Whether the model is loaded in a clean process, where it has to predict a few rows of the training
            as the trained one does.
        archive_limit_mb: A result archive that is in S3 and larger than so many megabytes stays there; the tag
            ``tg.result_uri`` says where.
    """

    figures: bool = True
    tables: bool = True
    dataset: bool = True
    model: bool = True
    check_model: bool = True
    archive_limit_mb: float = Field(default=1000, ge=0)


class BackendConfig(_Section):
    """Keys that every backend knows.

    Attributes:
        backend: What users call the backend whose keys these are.
        project_name: The folder of this project's data below ``datasets_folder``; by default the MLproject's name.
        datasets_folder: Relative to the project's folder, or absolute.
        dataset: A file or folder below ``<datasets_folder>/<project_name>``; none for a task that needs no data.
        hyperparameters: Parts of the task to set, by dotted path, such as ``model_provider.constructor.kwargs.C``.
        data_files: Patterns, as in ``.gitignore``, for files of the project that its package holds besides modules.
        tags: Tags for the MLflow run.
        log: What is logged for people to look at.
        secrets: Names of variables and parameters whose values are masked besides those that look like credentials.
        sweep: Values by parameter: each combination of them is trained. A name with a dot is a part of the task, as in
            ``hyperparameters``.
        sweep_samples: How many combinations are trained, chosen at random; by default all.
        sweep_seed: What the choice depends on.
        max_parallel: How many trainings run at once; by default as many as there are processors, and ten on SageMaker.
        primary_metric: What the best training of a sweep is found by.
        mode: Whether ``max`` or ``min`` of it is best.
        stop_on_failure: Whether the first training of a sweep that fails stops the others.
    """

    backend: ClassVar[str]

    project_name: str | None = None
    datasets_folder: str = "datasets"
    dataset: str | None = None
    hyperparameters: dict[str, Any] = Field(default_factory=dict)
    data_files: list[str] = Field(default_factory=list)
    tags: dict[str, str] = Field(default_factory=dict)
    log: LogConfig = Field(default_factory=LogConfig)
    secrets: list[str] = Field(default_factory=list)
    sweep: dict[str, list[Any]] = Field(default_factory=dict)
    sweep_samples: int | None = Field(default=None, gt=0)
    sweep_seed: int = 0
    max_parallel: int | None = Field(default=None, gt=0)
    primary_metric: str | None = None
    mode: Literal["max", "min"] = "max"
    stop_on_failure: bool = False


class AttachedConfig(BackendConfig):
    """Keys of the backend ``tg-attached``."""

    backend = "tg-attached"


class ProcessConfig(BackendConfig):
    """Keys of the backend ``tg-process``.

    Attributes:
        environment: Variables for the job. Never secrets: they are visible to whoever can see the job.
        stop_grace_seconds: How long the job may take to stop before it is killed.
        detach: Whether the command ends as soon as the job is started; ``tg-mlflow attach`` records it then.
    """

    backend = "tg-process"

    environment: dict[str, str] = Field(default_factory=dict)
    stop_grace_seconds: float = Field(default=120, ge=0)
    detach: bool = False


class BuildConfig(_Section):
    """How an image is built; nothing of it but ``apt_packages`` and ``user_id`` is left in the image.

    Attributes:
        network: Docker's network during the build, such as ``host``.
        args: Variables that are set while requirements are installed.
        proxies: ``http``, ``https`` and ``no``.
        pip_index_url: Where pip finds packages.
        pip_extra_index_urls: Where it looks, too. Builds such as ``torch==2.13.0+cpu`` come from PyTorch's own index if
            no index that is named has them.
        ca_bundle: A file of certificates that pip trusts in the build.
        apt_packages: Debian packages to install.
        user_id: Who runs the training.
    """

    network: str | None = None
    args: dict[str, str] = Field(default_factory=dict)
    proxies: dict[str, str] = Field(default_factory=dict)
    pip_index_url: str | None = None
    pip_extra_index_urls: list[str] = Field(default_factory=list)
    ca_bundle: str | None = None
    apt_packages: list[str] = Field(default_factory=list)
    user_id: int | None = None


class ImageConfig(BackendConfig):
    """Keys of the backends that build an image.

    Attributes:
        requirements: A requirements file of the project, or a list such as ``["openpyxl"]``, installed besides what the
            task is seen to need.
        base_image: What the image is built on; by default ``python:<version>-slim``.
        python_version: By default this Python's, such as ``3.12``.
        build: How the image is built.
        docker_host: The Docker daemon, such as ``ssh://user@host``.
    """

    requirements: str | list[str] | None = None
    base_image: str | None = None
    python_version: str | None = None
    build: BuildConfig = Field(default_factory=BuildConfig)
    docker_host: str | None = None

    @property
    def has_gpus(self) -> bool:
        """Whether the job gets a machine with GPUs."""
        return False


class LocalConfig(ProcessConfig, ImageConfig):
    """Keys of the backend ``tg-local``.

    Attributes:
        cpus: How many processors the container may use.
        memory: How much memory, such as ``4g``.
        gpus: ``all`` or a number.
        network: Docker's network of the container, such as ``none``.
    """

    backend = "tg-local"

    cpus: float | None = Field(default=None, gt=0)
    memory: str | None = None
    gpus: str | int | None = None
    network: str | None = None

    @property
    def has_gpus(self) -> bool:
        return self.gpus is not None


class VpcConfig(_Section):
    """The network of one's own that a job on SageMaker runs in.

    Attributes:
        subnets: Ids of subnets.
        security_group_ids: Ids of security groups.
    """

    subnets: list[str]
    security_group_ids: list[str]


class RemoteConfig(ImageConfig):
    """Keys of the backend ``tg-sagemaker``; those without a word here are explained in :class:`RemoteOptions`.

    Attributes:
        role: The job's AWS role, by its ARN or name; by default what ``AWS_ROLE`` says.
        bucket: Where data and results are; by default SageMaker's own bucket.
        environment: Variables for the job. Never secrets: they are visible to whoever can see the job.
        dry_run: Whether it is only said what would be sent to AWS.
        detach: Whether the command ends as soon as the job is created; ``tg-mlflow attach`` records it then.
    """

    backend = "tg-sagemaker"

    role: str | None = None
    bucket: str | None = None
    environment: dict[str, str] = Field(default_factory=dict)
    dry_run: bool = False
    detach: bool = False
    region: str | None = None
    profile: str | None = None
    instance_type: str = "ml.m5.large"
    instance_count: int = 1
    volume_gb: int = 30
    max_run_seconds: int = 86_400
    max_wait_seconds: int | None = None
    spot: bool = False
    checkpoints: bool | str = False
    vpc: VpcConfig | None = None
    network_isolation: bool = False
    encrypt_inter_container_traffic: bool = False
    kms_key: str | None = None
    keep_alive_seconds: int | None = None
    retry_attempts: int | None = None
    job_name: str | None = None
    image_uri: str | dict[str, str] | None = None
    image_repository: str | None = None
    metrics_from: str = "leader"
    queue_seconds: float = 3600
    fallback_instance_types: list[str] = Field(default_factory=list)

    @property
    def has_gpus(self) -> bool:
        return re.match(r"ml\.[gp]\d", self.instance_type) is not None


_ALL = (AttachedConfig, ProcessConfig, LocalConfig, RemoteConfig)

Config = TypeVar("Config", bound=BackendConfig)


def load_backend_config(model: type[Config], folder: Path, given: Mapping[str, Any]) -> Config:
    """Puts together a backend's configuration.

    Args:
        model: The backend's keys.
        folder: The project's folder; a ``tg.json`` in it has defaults, possibly with keys of other backends.
        given: What the user gives, key by key before the defaults, possibly with what MLflow adds.

    Raises:
        BackendConfigError: If a file cannot be read, a key is unknown or a value does not fit.
    """
    path = folder / DEFAULTS_FILE
    defaults = _read_defaults(path) if path.is_file() else {}
    defaults = {name: value for name, value in defaults.items() if name in model.model_fields or not _backends(name)}
    _check(model, defaults, str(path))
    return model.model_validate({**defaults, **check_backend_config(model, given)})


def check_backend_config(model: type[BackendConfig], given: Mapping[str, Any]) -> dict[str, Any]:
    """Checks what the user gives of a backend's configuration.

    Returns:
        It, without what MLflow adds.

    Raises:
        BackendConfigError: If a key is unknown or a value does not fit.
    """
    own = {name: value for name, value in given.items() if name not in _FROM_MLFLOW}
    _check(model, own, "the backend config")
    return own


def _read_defaults(path: Path) -> dict[str, Any]:
    try:
        defaults = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BackendConfigError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(defaults, dict):
        raise BackendConfigError(f"{path} holds a {type(defaults).__name__}; give an object with keys and values")
    return defaults


def _check(model: type[BackendConfig], values: Mapping[str, Any], source: str) -> None:
    try:
        model.model_validate(dict(values))
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden" and _backends(key):
            message = f"{source} has the key {key!r}, which is for {' and '.join(_backends(key))}; remove it"
        elif problem["type"] == "extra_forbidden":
            message = f"{source} has the unknown key {key!r}; {suggestion(key, model.model_fields)}"
        else:
            value = SecretMask().mask_named({key: json.dumps(problem["input"], default=str)})[key]
            message = f"{source} has {key!r} = {value}: {problem['msg']}"
        raise BackendConfigError(message) from None  # pydantic's error has the whole value, which may be secret


def _backends(key: str) -> list[str]:
    """The backends that know a key."""
    return [model.backend for model in _ALL if key in model.model_fields]
