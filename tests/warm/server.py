"""Imports modules, then runs each command that it is sent in a fork: ``server.py DESCRIPTOR MODULE...``."""

import atexit
import functools
import gc
import importlib
import json
import os
import signal
import socket
import sys
import tempfile
import threading
import time
import types

REQUEST_BYTES = 1 << 18


def wait_for_a_command(connection: socket.socket) -> str:
    """Forks for each request.

    Returns:
        The path of a console script, in the process that is to run it; never in the server.
    """
    while True:
        message, streams, _, _ = socket.recv_fds(connection, REQUEST_BYTES, 3)
        if not message:
            os._exit(0)  # whoever would ask is gone
        read_end, write_end = os.pipe()
        between = os.fork()
        if between == 0:
            if (pid := os.fork()) == 0:
                connection.close()
                os.close(read_end)
                os.close(write_end)
                return become(json.loads(message), streams)
            os.write(write_end, str(pid).encode())
            os._exit(0)  # the command is an orphan now
        os.waitpid(between, 0)
        connection.send(os.read(read_end, 64))
        for descriptor in (read_end, write_end, *streams):
            os.close(descriptor)


def become(request: dict, streams: list[int]) -> str:
    """Gives this process what a started program has of its own."""
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    if request["has_session"]:
        os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    time.tzset()
    tempfile.tempdir = None
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # Python's own does that itself
    is_unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    sys.stdout.reconfigure(line_buffering=os.isatty(1), write_through=is_unbuffered)
    sys.argv = request["arguments"]
    sys.path[0] = os.path.dirname(sys.argv[0])
    return sys.argv[0]


def run(code: types.CodeType) -> None:
    """Runs the main module and ends the process, without taking apart what the server has imported.

    That would copy most of its memory, page by page. What ends otherwise ends as the interpreter has it.
    """
    status = 0
    try:
        exec(code, sys.modules["__main__"].__dict__)
    except SystemExit as error:
        if not isinstance(error.code, (int, type(None))):
            raise
        status = error.code or 0
    threading._shutdown()  # waits for the threads
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status & 0xFF)


def prepare() -> None:
    """Does once what each command would do, and what is the same for all: half a second of a core."""
    import boto3
    import botocore.session
    from mlflow.store.db import utils as mlflow_schema
    from mlflow.utils import requirements_utils
    from sqlalchemy.orm import configure_mappers

    from tg.common.delivery.delivery.code.installed_distributions import CORE, find_distributions, find_required
    from tg_mlflow.places.registry import list_places

    # MLflow reads all its migrations for each store, to know the last one.
    mlflow_schema._get_latest_schema_revision = functools.cache(mlflow_schema._get_latest_schema_revision)
    mlflow_schema._get_latest_schema_revision()
    configure_mappers()
    # Which modules are installed with what; each training that logs a model looks.
    requirements_utils._init_modules_to_packages_map()
    find_distributions(())
    find_required(CORE)
    list(list_places())
    # Each session of AWS's SDK reads megabytes of descriptions of services; with keys, it looks for none.
    botocore.session.create_loader = functools.lru_cache(botocore.session.create_loader)
    session = boto3.Session("key", "secret", region_name="us-east-1")
    for service in ("s3", "sagemaker", "logs", "sts"):
        session.client(service)


def start(script: str) -> types.CodeType:
    """Makes a script the main module, and returns its code."""
    main = types.ModuleType("__main__")
    main.__file__ = script
    sys.modules["__main__"] = main
    with open(script, encoding="utf-8") as file:
        return compile(file.read(), script, "exec")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the commands
    gc.disable()  # what is imported stays
    asked = socket.socket(fileno=int(sys.argv[1]))
    for name in sys.argv[2:]:
        importlib.import_module(name)
    prepare()
    gc.freeze()  # so that forks share the memory
    gc.set_threshold(10_000)  # as in the tests' own process
    gc.enable()
    code = start(wait_for_a_command(asked))
    run(code)
