"""Lays out a trained model in MLflow's format, with the package that it needs, so that it loads anywhere."""

import copy
import json
import logging
import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import mlflow.pyfunc
import pandas as pd
from mlflow.models import Model, ModelSignature
from mlflow.models.model import MLMODEL_FILE_NAME

from tg.common.delivery.delivery.code.local_versions import find_index_options
from tg.common.delivery.sagemaker import ResultArchive
from tg.common.delivery.sagemaker.archive.names import LOGGED_EXAMPLE, LOGGED_MODEL, LOGGED_MODELS
from tg.common.delivery.sagemaker.archive.safe_extraction import extract_archive
from tg.common.delivery.sagemaker.runtime.model_loader import METHODS
from tg_mlflow.errors import UnservableModelError
from tg_mlflow.results.members import MODEL, TRAINING_TASK
from tg_mlflow.results.model_check import CheckFailure, find_checker, write_rows
from tg_mlflow.results.model_code import pack_code
from tg_mlflow.results.model_example import PARAMS, Sample, build_example, build_signature, find_columns, read_sample
from tg_mlflow.results.model_flavors import Settings, write_flavors
from tg_mlflow.results.optional_parts import Attempt

_LOGGER = logging.getLogger("mlflow.tg_mlflow")

_LOADER_MODULE = "common.delivery.sagemaker.runtime.model_loader"
# MLflow copies these from the working directory, which may belong to any project.
_FOREIGN_FILES = ("uv.lock", "pyproject.toml", ".python-version")


def save_model(
    archive: ResultArchive,
    folder: Path,
    description: Model,
    dataset: Path | None,
    attempt: Attempt,
    is_checked: bool = True,
    run: int = 0,
) -> None:
    """Lays out a model in MLflow's format: the archive's pickle, with the package's module beside it.

    Args:
        archive: A training's on one table.
        folder: Where to; it must not exist.
        description: The content of the file ``MLmodel``.
        dataset: What it was trained on; without it, the model has no signature of its columns and no example.
        attempt: Opened around the flavors besides ``python_function``, around the signature and the example, and around
            the check.
        is_checked: Whether the model is loaded in a clean process, where it must predict as the trained one does. A
            signature with which it does not is left out, except its parameter, without which MLflow would return labels
            in place of probabilities.
        run: The number of the model's run in the archive.
    """
    task = TRAINING_TASK.format(run=run)
    read_rows = None if dataset is None else lambda: read_sample(archive.unpickle(task), dataset)
    _save(archive, folder, description, MODEL.format(run=run), read_rows, attempt, is_checked)


def save_logged_model(
    archive: ResultArchive, folder: Path, description: Model, attempt: Attempt, is_checked: bool = True
) -> None:
    """Does the same for a model that a training's own code has logged under the name in the description.

    Its example stands for the dataset.
    """
    member = f"{LOGGED_MODELS}/{description.artifact_path}"
    example = f"{member}/{LOGGED_EXAMPLE}"

    def read_rows() -> Sample:
        rows = pd.read_parquet(archive.get_path(example))
        return Sample(rows, rows)

    read = read_rows if example in archive.list() else None
    _save(archive, folder, description, f"{member}/{LOGGED_MODEL}", read, attempt, is_checked)


def _save(
    archive: ResultArchive,
    folder: Path,
    description: Model,
    member: str,
    read_rows: Callable[[], Sample] | None,
    attempt: Attempt,
    is_checked: bool,
) -> None:
    flavors_part, signature_part, check_part = (
        f"{description.artifact_path}/{part}" for part in ("flavors", "signature", "check")
    )
    layout = _Layout.begin(archive, folder, description, member)
    model, rows = None, None
    described: dict[str, Any] = {}
    with attempt(flavors_part if read_rows is None else signature_part):
        model = archive.unpickle(member)
    if model is not None:
        with attempt(flavors_part):
            layout.flavors.update(write_flavors(model, layout.properties, layout.beside("flavors")))
        if read_rows is not None:
            with attempt(signature_part):
                sample = read_rows()
                answers = _ask(model, sample.features)
                rows = write_rows(layout.beside("rows"), sample.given, answers)
                signature = build_signature(find_columns(model, sample.features), sample, answers["predict"])
                signed = {"signature": signature, "input_example": build_example(sample)}
                layout.save(**signed)
                described = signed
    undescribed = {"signature": ModelSignature(params=PARAMS)}
    if not described:
        layout.save(**undescribed)
    if not is_checked:
        return
    with attempt(check_part):
        failure = layout.check(rows)
        if failure is None:
            return
        name = check_part
        what = "the logged model does not predict as the trained one where neither the project nor its package is"
        if described and failure.step != "load":
            layout.save(**undescribed)
            if layout.check(rows) is None:
                name, what = (
                    signature_part,
                    "it is left out, as with it the logged model would not predict as the trained one",
                )
            else:
                layout.save(**described)
        with attempt(name):
            raise UnservableModelError(f"{what}: {failure}")


@dataclass(frozen=True)
class _Layout:
    """A model that is laid out, perhaps more than once.

    Attributes:
        folder: Where to.
        description: The content of ``MLmodel`` that all of them have.
        data: The model's pickle.
        properties: The package's.
        code: The package's module, packed.
        flavors: Those besides ``python_function``, whose files are beside the folder.
    """

    folder: Path
    description: Model
    data: Path
    properties: dict[str, Any]
    code: Path
    flavors: dict[str, Settings]

    @staticmethod
    def begin(archive: ResultArchive, folder: Path, description: Model, member: str) -> "_Layout":
        properties = json.loads(archive.get_path("package.json").read_text(encoding="utf-8"))
        package = folder.with_name(f"{folder.name}-package")
        extract_archive(archive.get_path("package.tag.gz"), package)
        (module,) = package.glob(f"*/{properties['module_name']}")
        code = pack_code(module, folder.with_name(f"{folder.name}-code"))
        return _Layout(folder, description, archive.get_path(member), properties, code, {})

    def beside(self, name: str) -> Path:
        return self.folder.with_name(f"{self.folder.name}-{name}")

    def save(self, **described: Any) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        description, requirements = copy.deepcopy(self.description), self.properties["requirements"]
        for name, settings in self.flavors.items():
            description.add_flavor(name, **settings)
        with warnings.catch_warnings():
            # MLflow wants an example with each signature; a model that accepts any columns has none.
            warnings.filterwarnings("ignore", message=".*input example was not provided")
            mlflow.pyfunc.save_model(
                self.folder,
                loader_module=f"{self.properties['tg_import_path']}.{_LOADER_MODULE}",
                data_path=str(self.data),
                code_paths=[str(self.code)],
                mlflow_model=description,
                # Explicit, as MLflow would otherwise start a process and load the model to find its imports.
                pip_requirements=[*find_index_options(requirements), *requirements, f"mlflow=={mlflow.__version__}"],
                **described,
            )
        for name in _FOREIGN_FILES:
            (self.folder / name).unlink(missing_ok=True)
        for name in self.flavors:
            if (files := self.beside("flavors") / name).is_dir():
                shutil.copytree(files, self.folder / name)
        description.model_size_bytes = sum(each.stat().st_size for each in self.folder.rglob("*") if each.is_file())
        description.save(str(self.folder / MLMODEL_FILE_NAME))

    def check(self, rows: Path | None) -> CheckFailure | None:
        modules: Sequence[str] = self.properties["modules"]
        failure = find_checker().check(self.folder, modules, rows)
        if failure is None or failure.absent_library is None:
            return failure
        _LOGGER.info("The model cannot be checked here: %s is not installed", failure.absent_library)
        return None


def _ask(model: Any, features: pd.DataFrame) -> dict[str, Any]:
    """Returns a trained model's predictions, by each of its methods that a served model offers."""
    answers = {"predict": model.predict(features)}
    for name in METHODS:
        if name not in answers and hasattr(model, name):
            try:
                answers[name] = getattr(model, name)(features)
            except Exception:  # a model may have a method that fails; then it is not offered
                _LOGGER.debug("The trained model cannot answer %s", name, exc_info=True)
    return answers
