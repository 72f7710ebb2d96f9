"""The configuration keys of all places."""

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mlflow.exceptions import MlflowException
from mlflow.utils import validation
from mlflow.utils.validation import _validate_model_alias_name, _validate_model_name
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


class _Absent:
    """An attribute that a class does not have, though its class's base does."""

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        raise AttributeError("it is no attribute of classes here")


class _SectionClass(ModelMetaclass):
    """Lets a key be called ``register``: pydantic would take the method of all abstract classes for its default."""

    register = _Absent()


class Section(BaseModel, metaclass=_SectionClass):
    """A group of keys. Unknown keys are refused, and values are not converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LogConfig(Section):
    """What is logged for people, besides the log, the result archive and the package.

    Attributes:
        figures: Curves, confusion matrices and the like, and their data.
        tables: A sample of the predictions.
        dataset: The dataset as an input of the run.
        model: The model in MLflow's format.
        models: One model for the ``run``, or one for each ``fold`` where a training has several splits.
        check_model: Whether the model is loaded in a clean process, where it must predict a few rows of the training as
            the trained one does.
        archive_limit_mb: A result archive in S3 that is larger than this many megabytes stays there; the tag
            ``tg.result_uri`` is its address.
        system_metrics_seconds: The pause between two readings of what the training uses of its machine; 0 for none.
        cost: What the training costs while it runs, where that is known. With ``max_cost``, it is always logged.
    """

    figures: bool = True
    tables: bool = True
    dataset: bool = True
    model: bool = True
    models: Literal["run", "fold"] = "run"
    check_model: bool = True
    archive_limit_mb: float = Field(default=1000, ge=0)
    system_metrics_seconds: float = Field(default=10, ge=0)
    cost: bool = True


class RegisterConfig(Section):
    """How a model is registered.

    Attributes:
        name: The registered model, which is created if there is none.
        alias: What the new version is called, such as ``champion``; by default nothing.
        if_better: The metric by which the alias moves: only if it is better than that of the version that has the
            alias, on the same data. By default, the alias always moves.
        mode: Whether ``max`` or ``min`` of it is better.
    """

    name: str
    alias: str | None = None
    if_better: str | None = None
    mode: Literal["max", "min"] = "max"

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        try:
            _validate_model_name(name)
        except MlflowException as error:
            raise ValueError(f"MLflow does not take this name ({error.message})") from None
        return name

    @field_validator("alias")
    @classmethod
    def _check_alias(cls, alias: str | None) -> str | None:
        try:
            if alias is not None:
                _validate_model_alias_name(alias)
                # MLflow 3.1 reserves none.
                getattr(validation, "_validate_model_alias_name_reserved", _validate_model_alias_name)(alias)
        except MlflowException as error:
            raise ValueError(f"MLflow does not take this alias ({error.message})") from None
        return alias

    @model_validator(mode="after")
    def _check_goal(self) -> "RegisterConfig":
        if self.if_better is not None and self.alias is None:
            raise ValueError("if_better says when an alias moves; give alias, too")
        return self


class PlaceConfig(Section):
    """Keys that every place knows. A subclass names its place.

    Attributes:
        place: The name of the place, such as ``tg-process``.
        project_name: The folder of this project's data below ``datasets_folder``; by default the MLproject's name.
        datasets_folder: Relative to the project's folder, or absolute.
        dataset: A file or folder below ``<datasets_folder>/<project_name>``; none for a task that needs no data.
        channels: Further data by the name of their input channel: files or folders, relative to the project or
            absolute, or addresses in S3 for SageMaker. A script finds them through ``SM_CHANNEL_<NAME>``.
        hyperparameters: Parts of the task to set, by dotted path, such as ``model_provider.constructor.kwargs.C``.
        data_files: Patterns, as in ``.gitignore``, of files of the project that its package contains besides modules.
        project_limit_mb: The largest size of a script's project, in megabytes: it travels with each training.
        metric_regexes: Regular expressions of RE2 by the names of metrics that the training prints in its own form, as
            ``loss=([0-9.]+)``. The first group is the value; groups named ``step`` and ``name`` are these.
        tags: Tags for the MLflow run.
        log: What is logged for people.
        mlflow: How the code's calls of MLflow reach the run: ``relayed`` by the job's log, which needs no network, or
            ``direct``, for which the job gets the tracking server's address.
        register: Under what name the model of a run that has FINISHED is registered; of a sweep, that of the best
            training. By default, none is.
        secrets: Names of variables and parameters whose values are masked besides those that look like credentials.
        sweep: Values by parameter: each combination of them is trained. A name with a dot is a part of the task, as in
            ``hyperparameters``.
        sweep_samples: How many combinations are trained, chosen at random; by default all.
        sweep_seed: The seed of that choice.
        max_parallel: How many trainings run at once; by default one for each processor, and ten on SageMaker.
        primary_metric: The metric that determines the best training of a sweep.
        mode: Whether ``max`` or ``min`` of it is best.
        stop_on_failure: Whether the first training of a sweep that fails stops the others.
        resume_from: The run from whose checkpoints the training goes on, at whatever place that was: its id, the
            beginning of that, its name, or ``last``. It has to have ended.
        max_cost: What a training, or all trainings of a sweep together, may cost in USD; what would cost more is
            stopped.
    """

    place: ClassVar[str]

    project_name: str | None = None
    datasets_folder: str = "datasets"
    dataset: str | None = None
    channels: dict[str, str] = Field(default_factory=dict)
    hyperparameters: dict[str, Any] = Field(default_factory=dict)
    data_files: list[str] = Field(default_factory=list)
    project_limit_mb: float = Field(default=200, gt=0)
    metric_regexes: dict[str, str] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)
    log: LogConfig = Field(default_factory=LogConfig)
    mlflow: Literal["relayed", "direct"] = "relayed"
    register: RegisterConfig | None = None
    secrets: list[str] = Field(default_factory=list)
    sweep: dict[str, list[Any]] = Field(default_factory=dict)
    sweep_samples: int | None = Field(default=None, gt=0)
    sweep_seed: int = 0
    max_parallel: int | None = Field(default=None, gt=0)
    primary_metric: str | None = None
    mode: Literal["max", "min"] = "max"
    stop_on_failure: bool = False
    resume_from: str | None = None
    max_cost: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _check_register(self) -> "PlaceConfig":
        if self.register is not None and self.sweep and self.primary_metric is None:
            raise ValueError("register is for the best training of a sweep; name its primary_metric")
        return self

    @model_validator(mode="after")
    def _check_checkpoints(self) -> "PlaceConfig":
        if self.sweep and self.resume_from is not None:
            raise ValueError("resume_from is for one training; a sweep that was stopped is resumed by itself")
        if self.sweep and isinstance(getattr(self, "checkpoints", False), str):
            raise ValueError("checkpoints names one place, and each training of a sweep needs its own; give true")
        return self


class JobConfig(PlaceConfig):
    """Keys of the places whose jobs do not run in the process that starts them.

    Attributes:
        environment: Variables for the job. Never secrets: they are visible in the job's description.
        detach: Whether the command ends as soon as the job has started; ``tg-mlflow attach`` records it then.
    """

    environment: dict[str, str] = Field(default_factory=dict)
    detach: bool = False
