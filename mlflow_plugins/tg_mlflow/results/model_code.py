"""Packs the code of a logged model into two files, however many modules it has: each file is one upload."""

import zipfile
from pathlib import Path

from tg.common.delivery.delivery.package.package_file import read_module_files

ARCHIVE = "code.zip"

# It runs wherever the model is loaded, and imports nothing of ours before the archive is unpacked. The module takes the
# place of this file, which has its name.
_LOADER = '''"""The code of a model is in the archive beside this file, which is unpacked where it is imported."""

import atexit
import hashlib
import importlib
import importlib.util
import io
import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path


def find_code():
    content = Path(__file__).with_name("code.zip").read_bytes()
    # It names the folder to the processes that this one starts.
    variable = "TG_CODE_" + hashlib.sha256(content).hexdigest()
    folder = os.environ.get(variable)
    if folder is None or not Path(folder, __name__, "__init__.py").is_file():
        folder = tempfile.mkdtemp(prefix="tg-model-")
        atexit.register(remove, folder, os.getpid())
        zipfile.ZipFile(io.BytesIO(content)).extractall(folder)
        os.environ[variable] = folder
    return Path(folder, __name__, "__init__.py")


def remove(folder, process):
    if os.getpid() == process:  # and not one that it has forked
        shutil.rmtree(folder, ignore_errors=True)


def replace(name, file):
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=[str(file.parent)])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[name] = module


replace(__name__, find_code())
loader = importlib.import_module(__name__ + ".tg.common.delivery.sagemaker.runtime.model_loader")
getattr(loader, "prepare", lambda: None)()  # version 0.1 does it when it loads a model
'''


def pack_code(module: Path, folder: Path) -> Path:
    """Packs a package's module into a folder of the same name, which can be imported in its place.

    The archive is not imported as it is, since code may read files that lie beside it. The same files give the same
    bytes.

    Args:
        module: The folder of the module.
        folder: Where the new folder is made.

    Returns:
        The new folder, for MLflow's ``code_paths``.
    """
    packed = folder / module.name
    packed.mkdir(parents=True)
    (packed / "__init__.py").write_text(_LOADER, encoding="utf-8")
    with zipfile.ZipFile(packed / ARCHIVE, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(read_module_files(module).items()):
            member = zipfile.ZipInfo(f"{module.name}/{name}")  # with the time from which zip files count
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return packed
