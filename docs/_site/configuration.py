"""Writes the tables of docs/configuration.md from the models that read the keys.

Each table stands between ``<!-- table: NAME -->`` and ``<!-- end of table -->``; the text around is written by hand.
"""

import re
from pathlib import Path

from pydantic import BaseModel

from tg_mlflow.places.attached import AttachedConfig
from tg_mlflow.places.config import JobConfig, LogConfig, PlaceConfig, RegisterConfig
from tg_mlflow.places.distribution_config import DistributionConfig
from tg_mlflow.places.image_config import BuildConfig, ImageConfig
from tg_mlflow.places.local import LocalConfig
from tg_mlflow.places.option_fields import format_reference
from tg_mlflow.places.process import ProcessConfig
from tg_mlflow.places.sagemaker_config import RemoteConfig

PAGE = Path(__file__).parents[1] / "configuration.md"
_TABLE = re.compile(r"(<!-- table: (?P<name>\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL)
_FIRST_OF_SAGEMAKER = ("role", "bucket", "dry_run")


def list_tables() -> dict[str, tuple[type[BaseModel], list[str]]]:
    """The model of each table by the table's name, and the keys that it has."""
    vpc = next(each for each in RemoteConfig.model_fields["vpc"].annotation.__args__ if each is not type(None))
    remote = _own_keys(RemoteConfig, JobConfig, ImageConfig)
    return {
        "all": (AttachedConfig, _own_keys(AttachedConfig)),
        "log": (LogConfig, _own_keys(LogConfig)),
        "register": (RegisterConfig, _own_keys(RegisterConfig)),
        "job": (JobConfig, _own_keys(JobConfig, PlaceConfig)),
        "process": (ProcessConfig, _own_keys(ProcessConfig, JobConfig)),
        "distribution": (DistributionConfig, _own_keys(DistributionConfig)),
        "image": (ImageConfig, _own_keys(ImageConfig, PlaceConfig)),
        "build": (BuildConfig, _own_keys(BuildConfig)),
        "local": (LocalConfig, _own_keys(LocalConfig, JobConfig, ImageConfig)),
        "sagemaker": (RemoteConfig, sorted(remote, key=lambda key: key not in _FIRST_OF_SAGEMAKER)),
        "vpc": (vpc, _own_keys(vpc)),
    }


def fill(page: str) -> str:
    """Returns the page with its tables as they are to be."""
    tables = list_tables()
    return _TABLE.sub(lambda found: f"{found[1]}\n{format_reference(*tables[found['name']])}\n\n{found[3]}", page)


def _own_keys(model: type[BaseModel], *without: type[BaseModel]) -> list[str]:
    return [key for key in model.model_fields if not any(key in each.model_fields for each in without)]


if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
