"""Builds the run file, the program that starts a package's job at any place but in this process.

This module imports nothing, so that it can be loaded by its path before the package can be imported.
"""


def build_run_file(module_name: str) -> str:
    """Builds the program.

    A process that ``multiprocessing`` spawns imports it again, under another name than ``__main__``: it only prepares
    to find the package's modules as the job does.

    Args:
        module_name: The package's top module.
    """
    return f"""\
from {module_name}.tg.common.delivery.sagemaker.runtime.entry_point import main, prepare_process

if __name__ == "__main__":
    main()
else:
    prepare_process()
"""
