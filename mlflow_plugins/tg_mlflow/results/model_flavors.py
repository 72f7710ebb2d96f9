"""The flavors of a model besides ``python_function``, by which MLflow's modules for libraries load it."""

import pickle
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import sklearn
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from tg.common.delivery.delivery.package.pickling import dump_renamed_pickle

# Where MLflow puts the code and the pickle of a model.
_CODE, _PICKLE = "code", "data/model.pkl"
# Not there where a model is loaded, or only by other names.
_OURS = ("tg", "tg_mlflow", "__main__")

Settings = dict[str, Any]


def write_flavors(model: Any, properties: Mapping[str, Any], folder: Path) -> dict[str, Settings]:
    """Writes a model as its libraries keep it.

    ``sklearn`` is the whole pipeline, which takes the training's columns, from the pickle that ``python_function`` has,
    too. Its last step, the model of the user's library, has the library's flavor if nothing but the library is needed
    to load it; it takes what the steps before it make.

    Args:
        model: What was trained.
        properties: Those of the package that it was trained from.
        folder: Where the files of the flavors are put, below a folder with the flavor's name each.

    Returns:
        What ``MLmodel`` says of each flavor, by its name. The paths are relative to the model's folder.

    Raises:
        Exception: Any exception of a library.
    """
    flavors: dict[str, Settings] = {}
    if isinstance(model, BaseEstimator):
        flavors["sklearn"] = {
            "pickled_model": _PICKLE,
            "sklearn_version": properties.get("library_versions", {}).get("scikit-learn", sklearn.__version__),
            "serialization_format": "cloudpickle",
            "code": _CODE,
        }
    last = model.steps[-1][1] if isinstance(model, Pipeline) else model
    library = type(last).__module__.partition(".")[0]
    if library in _WRITERS:
        name, write = _WRITERS[library]
        (folder / name).mkdir(parents=True)
        settings = write(last, folder / name, {*_OURS, properties["module_name"], *properties["modules"]})
        if settings is not None:
            flavors[name] = settings
    return flavors


def _write_xgboost(model: Any, folder: Path, foreign: Collection[str]) -> Settings:
    import xgboost

    model.save_model(folder / "model.ubj")
    return {
        "data": "xgboost/model.ubj",
        "model_class": _name_class(model),
        "model_format": "ubj",
        "xgb_version": xgboost.__version__,
    }


def _write_lightgbm(model: Any, folder: Path, foreign: Collection[str]) -> Settings | None:
    import lightgbm

    content = _pickle_without(model, foreign)
    if content is None:
        return None
    (folder / "model.pkl").write_bytes(content)
    return {
        "data": "lightgbm/model.pkl",
        "model_class": _name_class(model),
        "serialization_format": "cloudpickle",
        "lgb_version": lightgbm.__version__,
    }


def _write_catboost(model: Any, folder: Path, foreign: Collection[str]) -> Settings:
    import catboost

    model.save_model(str(folder / "model.cb"))
    return {
        "data": "catboost/model.cb",
        "model_type": type(model).__name__,
        "save_format": "cbm",
        "catboost_version": catboost.__version__,
    }


def _write_pytorch(net: Any, folder: Path, foreign: Collection[str]) -> Settings | None:
    """Writes the module of one of skorch's nets."""
    import torch

    if _pickle_without(net.module_, foreign) is None:
        return None
    torch.save(net.module_, folder / "model.pth", pickle_module=pickle)
    (folder / "pickle_module_info.txt").write_text("pickle", encoding="utf-8")
    return {"model_data": "pytorch", "pytorch_version": str(torch.__version__)}


# The name of the flavor, and what writes it, by the library of the last step.
_WRITERS: Mapping[str, tuple[str, Callable[[Any, Path, Collection[str]], Settings | None]]] = {
    "xgboost": ("xgboost", _write_xgboost),
    "lightgbm": ("lightgbm", _write_lightgbm),
    "catboost": ("catboost", _write_catboost),
    "skorch": ("pytorch", _write_pytorch),
}


def _name_class(model: Any) -> str:
    return f"{type(model).__module__}.{type(model).__qualname__}"


def _pickle_without(value: Any, foreign: Collection[str]) -> bytes | None:
    """Pickles what needs none of these top-level modules; ``None`` of anything else."""
    try:
        content, modules = dump_renamed_pickle(value, str)
    except Exception:  # noqa: BLE001 - what cannot be pickled by name is not the library's alone
        return None
    return None if {each.partition(".")[0] for each in modules} & set(foreign) else content
