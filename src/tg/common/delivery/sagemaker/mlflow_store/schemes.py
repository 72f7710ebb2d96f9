"""Leads whatever address a training gives to the job's own stores.

Trainings name servers, such as ``http://localhost:5000`` or ``./mlruns``, that a job does not have.
"""

import os
from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from ..contract.variables import MLFLOW_STORE_VARIABLE

Builder = Callable[..., Any]

OWN_SCHEME = "tg-job"
# What MLflow knows only where SQLAlchemy is installed.
_DATABASES = ("mssql", "mysql", "postgresql", "sqlite")


def lead_to_job(registry: MutableMapping[str, Builder], open_store: Builder) -> None:
    """Lets all schemes of one of MLflow's registries lead to the job's store while this process belongs to a job.

    Args:
        registry: What opens a store, by the scheme of its address.
        open_store: What opens the job's.
    """
    for scheme in {*registry, *_DATABASES}:
        registry[scheme] = _choose(open_store, registry.get(scheme))


def _choose(open_store: Builder, open_other: Builder | None) -> Builder:
    def choose(store_uri: str | None = None, **options: Any) -> Any:
        if MLFLOW_STORE_VARIABLE in os.environ:
            return open_store(store_uri=store_uri, **options)
        if open_other is None:
            raise ValueError(f"the address {_show(store_uri)} needs SQLAlchemy; install it")
        return open_other(store_uri=store_uri, **options)

    return choose


def describe_other(uri: str | None) -> str | None:
    """Describes the address of another store without its secrets; ``None`` for the job's own."""
    return None if uri is None or uri.startswith(f"{OWN_SCHEME}:") else _show(uri)


def _show(uri: str | None) -> str:
    address = urlsplit(uri or "")
    if address.hostname:
        return f"{address.scheme}://{address.hostname}"
    return f"{address.scheme}:{address.path}" if address.scheme else address.path
