"""The names of conda's packages: what pip calls them, and which of them pip does not have."""

import re

# Where pip has another name. Names that differ in case, `-` and `_` only are the same to pip.
_OF_PIP = {
    "brotli-python": "brotli",
    "cython-blis": "blis",
    "dask-core": "dask",
    "docker-py": "docker",
    "faiss": "faiss-cpu",
    "faiss-gpu": "faiss-cpu",
    "keras-gpu": "keras",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "opencv": "opencv-python",
    "path.py": "path",
    "psycopg2": "psycopg2-binary",
    "py-opencv": "opencv-python",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost",
    "py-xgboost-gpu": "xgboost",
    "pyg": "torch-geometric",
    "pyqt": "pyqt5",
    "pytables": "tables",
    "python-blosc": "blosc",
    "python-graphviz": "graphviz",
    "python-kubernetes": "kubernetes",
    "python-lmdb": "lmdb",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-geometric": "torch-geometric",
    "pytorch-gpu": "torch",
    "pytorch-scatter": "torch-scatter",
    "pytorch-sparse": "torch-sparse",
    "ray-all": "ray[all]",
    "ray-core": "ray",
    "ray-default": "ray[default]",
    "ray-tune": "ray[tune]",
    "ruamel-yaml": "ruamel.yaml",
    "seaborn-base": "seaborn",
    "tensorflow-base": "tensorflow",
    "tensorflow-eigen": "tensorflow",
    "tensorflow-gpu": "tensorflow",
    "tensorflow-mkl": "tensorflow",
    "torchvision-cpu": "torchvision",
    "tqdm-base": "tqdm",
    "transformers-base": "transformers",
    "uvicorn-standard": "uvicorn[standard]",
    "xgboost-cpu": "xgboost",
}

# What Python and pip's wheels bring along, so that nothing is missing without it.
_BROUGHT_ALONG = {
    *(
        "backports",
        "blas",
        "bzip2",
        "ca-certificates",
        "cpuonly",
        "expat",
        "intel-openmp",
        "ld-impl-linux-64",
        "libblas",
    ),
    *("libcblas", "libffi", "libgcc", "libgcc-ng", "libgfortran", "libgfortran-ng", "libgfortran5", "libgomp"),
    *("liblapack", "libnsl", "libopenblas", "libsqlite", "libstdcxx", "libstdcxx-ng", "libuuid", "libzlib", "mkl"),
    *("mkl-fft", "mkl-random", "mkl-service", "ncurses", "nomkl", "numpy-base", "openblas", "openssl", "pip"),
    *("python-abi", "pytorch-mutex", "readline", "sqlite", "tbb", "tk", "wheel", "xz", "yaml", "zlib"),
}

# What pip does not have, or has under this name as something else.
_NOT_OF_PIP = {
    *("abseil-cpp", "anaconda", "arrow-cpp", "automake", "binutils", "bison", "boost", "boost-cpp", "bottleneck-cpp"),
    *("c-ares", "c-compiler", "cairo", "clang", "clangxx", "compilers", "conda", "conda-build", "cpp-compiler"),
    *("cuda", "cudatoolkit", "cudnn", "curl", "cxx-compiler", "dbus", "eigen", "ffmpeg", "fftw", "fontconfig"),
    *("fortran-compiler", "freetype", "freetds", "gcc", "gdal", "geos", "gflags", "gfortran", "giflib", "git"),
    *("git-lfs", "glib", "glog", "gmp", "gnutls", "go", "graphviz", "grpc-cpp", "gsl", "gst-plugins-base"),
    *("gstreamer", "gxx", "harfbuzz", "hdf4", "hdf5", "htop", "icu", "java-1.8.0-openjdk", "jpeg", "jq", "julia"),
    *("krb5", "lame", "lcms2", "lerc", "llvm", "llvm-openmp", "llvmdev", "lz4-c", "magma-cuda", "make", "maven"),
    *("mesa", "mpi", "mpich", "mysql", "nasm", "nccl", "nettle", "nodejs", "nspr", "nss", "openblas-devel"),
    *("openh264", "openjdk", "openjpeg", "openmpi", "orc", "pandoc", "pango", "patchelf", "pcre", "pcre2", "perl"),
    *("pigz", "pixman", "pkg-config", "poppler", "postgresql", "proj", "proj4", "pytorch-cuda", "qt", "qt-main"),
    *("qt-webengine", "r", "re2", "redis-server", "rust", "sed", "snappy", "spark", "sysroot-linux-64"),
    *("tensorrt", "tesseract", "texlive-core", "tmux", "unixodbc", "unzip", "vim", "wget", "x264", "x265", "yarn"),
    *("zeromq", "zip", "zstd"),
    *("freeglut", "fribidi", "graphite2", "jasper", "mpc", "mpfr", "pthread-stubs", "speexdsp", "tzcode"),
    # of Windows
    *("icc-rt", "pywin32", "pywinpty", "ucrt", "vc", "vc14-runtime", "vs2015-runtime", "win-inet-pton", "wincertstore"),
    *("console-shortcut", "menuinst", "winpty"),
}
_FAMILIES_NOT_OF_PIP = re.compile(
    r"(?:cuda|gcc|gfortran|gxx|binutils|font-ttf|fonts|lib|m2w64|msys2|nb-conda|perl|r|xorg)-.*|.*-cpp|.*-linux-64"
)
# Libraries for programs in C are called `lib…` in conda, as a few of pip's own are.
_OF_PIP_LIKE_LIBRARIES = {"libclang", "libcst", "librosa", "libsass", "libsvm-official", "libtmux", "libusb1"}


def is_brought_along(name: str) -> bool:
    """Whether a package of conda's is part of Python, or of pip's wheels that need it."""
    return normalize(name) in _BROUGHT_ALONG or name.startswith("_")


def find_pip_name(name: str) -> str | None:
    """Returns what pip calls a package of conda's; ``None`` if pip does not have it."""
    known = normalize(name)
    if known in _OF_PIP:
        return _OF_PIP[known]
    is_library = known.startswith("lib") and known not in _OF_PIP_LIKE_LIBRARIES
    if is_library or known in _NOT_OF_PIP or _FAMILIES_NOT_OF_PIP.fullmatch(known):
        return None
    return name


def normalize(name: str) -> str:
    """Returns a package's name in lower case, with dashes."""
    return name.lower().replace("_", "-")
