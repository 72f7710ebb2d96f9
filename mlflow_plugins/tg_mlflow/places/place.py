"""A place: where trainings run, under one name, with one set of configuration keys."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, ClassVar

from pydantic import TypeAdapter

from tg.common import DeliveryError
from tg.common.delivery.sagemaker.executor import Executor, PlaceOptions, SagemakerConfig
from tg.common.delivery.sagemaker.options import SagemakerOptions
from tg_mlflow.diagnosis.check import Check
from tg_mlflow.errors import RunNotOursError
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.training_price import TrainingPrice
from tg_mlflow.tracking.tags import STATE_TAG

# Options of every training, at any place, which are not copied from a configuration by name.
_COMMON = (
    "project_name",
    "datasets_folder",
    "dataset",
    "channels",
    "hyperparameters",
    "checkpoints",
    "start_checkpoints",
    "remote",
)


class Place(ABC):
    """A place where trainings run. Found by its name through the entry-point group ``tg_mlflow.places``.

    A subclass sets the attributes and implements :meth:`build_options` and :meth:`open`; the rest has defaults. It has
    no state.

    Attributes:
        config_model: The keys of its configuration, which also name the place.
        options_model: The options from which its executor is made.
        has_prices: Whether its machines are paid for by time, so that :meth:`find_price` may know what they cost.
    """

    config_model: ClassVar[type[PlaceConfig]]
    options_model: ClassVar[type[PlaceOptions]]
    has_prices: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """What users call it, as in ``mlflow run --backend NAME``; its entry point has the same name."""
        return self.config_model.place

    @abstractmethod
    def build_options(self, config: Any, folder: Path) -> PlaceOptions:
        """Builds the options by which the place's jobs are reached.

        Args:
            config: A configuration of ``config_model``.
            folder: The project's folder, to which relative paths are relative.

        Raises:
            DeliveryError: If a value is invalid.
        """

    @abstractmethod
    def open(self, options: Any, is_shared: bool = False) -> Executor:
        """Opens an executor, which starts new jobs and follows existing ones.

        Args:
            options: Options of ``options_model``.
            is_shared: Whether many jobs will run at the same time.
        """

    def write_options(self, options: PlaceOptions) -> dict[str, Any]:
        """Converts options to values for JSON that a run keeps, from which its job is found again. Never secrets."""
        defaults = {each.name: each.default for each in fields(options)}
        return {name: value for name, value in asdict(options).items() if value != defaults[name]}

    def read_options(self, given: Mapping[str, Any]) -> PlaceOptions:
        """Builds the options from the values of :meth:`write_options`, read from JSON.

        Raises:
            RunNotOursError: If they are damaged.
        """
        try:
            self.options_model(**given)  # refuses what it does not know, and pydantic what is of another type
            return TypeAdapter(self.options_model).validate_python(given)
        except (ValueError, TypeError, DeliveryError) as error:
            raise RunNotOursError(
                f"place_options in the tag {STATE_TAG} is damaged: {dict(given)!r}; correct it, or remove it for the "
                "defaults"
            ) from error

    def build_job_options(self, config: Any) -> dict[str, Any]:
        """Returns the job's options from the configuration: fields of :class:`SagemakerOptions` by name.

        By default, these are the keys that both have, such as ``environment``.

        Raises:
            DeliveryError: If a value is invalid.
        """
        names = [each.name for each in fields(SagemakerOptions) if each.name not in _COMMON]
        options = {name: getattr(config, name) for name in names if name in type(config).model_fields}
        if options.get("distribution") is not None:
            options["distribution"] = config.distribution.build()
        return options

    def list_attempts(self, config: Any) -> list[Any]:
        """Lists the configurations to try in turn while no machine is available: by default only the given one."""
        return [config]

    def describe_attempt(self, config: Any) -> str:
        """Names the machine of a configuration, for a message that it is not available."""
        return "machine"

    def number_job(self, config: Any, number: int) -> Any:
        """Returns the configuration of one of several trainings, if the given one would name all jobs alike."""
        return config

    def default_parallel(self) -> int:
        """Returns how many trainings of a sweep run at once by default: one for each processor."""
        return os.cpu_count() or 1

    def find_price(self, config: Any) -> TrainingPrice | None:
        """Looks up what the machines of a training cost; ``None`` where they cost nothing. It may take some seconds.

        While such a job runs and when it has ended, :meth:`Executor.facts` must tell ``billable_seconds``.
        """
        return None

    def limit_time(self, delivery: SagemakerConfig, seconds: int) -> SagemakerConfig:
        """Lets the place itself end a training after some seconds, if not before; by default it does not.

        The launcher ends it, too, so this is for a launcher that is gone.
        """
        return delivery

    def list_checks(self, config: Any, folder: Path) -> Iterable[Check]:
        """Lists what ``tg-mlflow doctor`` checks of the place, in that order; by default nothing.

        Args:
            config: A configuration of ``config_model``.
            folder: The project's folder, which may be none of a project.

        Raises:
            TgError: If a value is invalid.
        """
        return ()

    def describe_dry_run(self, delivery: Any, config: Any) -> dict[str, Any]:
        """Describes what a training would do, as values for JSON with secrets unmasked; starts nothing.

        Only called if ``config.dry_run`` is true.

        Args:
            delivery: The training's :class:`SagemakerConfig`.
            config: Its configuration.

        Raises:
            DeliveryError: If the training could not be started.
        """
        raise NotImplementedError(f"{self.name} has no dry run")
