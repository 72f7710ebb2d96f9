"""Builds the run file, the program that starts a package's job at any place but in this process.

This module imports nothing, so that it can be loaded by its path before the package can be imported.
"""


def build_run_file(module_name: str) -> str:
    """Builds the program.

    In a container, the job's output goes through a relay, which is started before anything else is imported. A process
    that ``multiprocessing`` spawns imports this program again, under another name than ``__main__``: it only prepares
    to find the package's modules as the job does.

    Args:
        module_name: The package's top module.
    """
    runtime = f"{module_name}.tg.common.delivery.sagemaker.runtime"
    return f"""\
if __name__ == "__main__":
    from {runtime}.relay import start_relay

    start_relay()

    from {runtime}.entry_point import main

    main()
else:
    from {runtime}.entry_point import prepare_process

    prepare_process()
"""
