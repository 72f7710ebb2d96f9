"""Builds the run file, the program that starts a package's job at any place but in this process.

This module imports nothing, so that it can be loaded by its path before the package can be imported.
"""


def build_run_file(module_name: str, beside: str | None = None) -> str:
    """Builds the program.

    In a container, the job's output goes through a relay, which is started before anything else is imported. A process
    that ``multiprocessing`` spawns imports this program again, under another name than ``__main__``: it only prepares
    to find the package's modules as the job does.

    Args:
        module_name: The package's top module.
        beside: The folder beside the program that the module is in, if it has to be found even where a job's own
            ``PYTHONPATH`` has replaced the one that names it.
    """
    runtime = f"{module_name}.tg.common.delivery.sagemaker.runtime"
    return f"""\
{"" if beside is None else _build_search(beside)}\
if __name__ == "__main__":
    from {runtime}.relay import start_relay

    start_relay()

    from {runtime}.entry_point import main

    main()
else:
    from {runtime}.entry_point import prepare_process

    prepare_process()
"""


def _build_search(folder: str) -> str:
    """Builds what puts a folder first for this process and for those that it starts."""
    return f"""\
import os
import sys

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), {folder!r})
if folder not in sys.path:
    sys.path.insert(0, folder)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))

"""
