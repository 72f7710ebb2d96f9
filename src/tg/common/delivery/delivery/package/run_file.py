"""The program that starts a package's job, in a container, in a child process, or in a ready-made image.

It imports nothing, so that it can be read by its path before the package can be imported.
"""


def build_run_file(module_name: str) -> str:
    """Writes the program.

    A process that ``multiprocessing`` starts afresh imports it again, under another name than ``__main__``: that one
    only finds the package's modules as the job does, to work for it.

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
