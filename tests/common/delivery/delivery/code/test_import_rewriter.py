import sys
import textwrap
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common import PackagingError
from tg.common.delivery.delivery.code.import_rewriter import rewrite_imports
from tg.common.delivery.delivery.code.project_imports import find_imports
from tg.common.delivery.delivery.code.python_source import read_python_source

PATH = PurePosixPath("tasks.py")


def rewrite(source: str) -> str:
    rewritten = rewrite_imports(source, PATH, "Root__0", {"a", "b", "tg", "größe"})
    compile(rewritten, "rewritten", "exec")
    assert rewritten.count("\n") == source.count("\n")
    return rewritten


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import a", "from Root__0 import a"),
        ("import a.b", "import Root__0.a.b as a; from Root__0 import a"),
        ("import a.b.c", "import Root__0.a.b.c as a; from Root__0 import a"),
        ("import a as x", "import Root__0.a as x"),
        ("import a.b as c", "import Root__0.a.b as c"),
        ("from a import c", "from Root__0.a import c"),
        ("from a.b import c as d, e", "from Root__0.a.b import c as d, e"),
        ("from a import *", "from Root__0.a import *"),
        ("import os, a", "import os; from Root__0 import a"),
        (
            "import a, os.path as p, b.c",
            "from Root__0 import a; import os.path as p; import Root__0.b.c as b; from Root__0 import b",
        ),
        ("import tg", "from Root__0 import tg"),
        ("import tg.common.ml.dft as dft", "import Root__0.tg.common.ml.dft as dft"),
        ("from tg.common.ml import dft", "from Root__0.tg.common.ml import dft"),
        ("if x: import a", "if x: from Root__0 import a"),
        ("import a; y = 1", "from Root__0 import a; y = 1"),
        (
            "y = 1; import a; import b.c; z = 2",
            "y = 1; from Root__0 import a; import Root__0.b.c as b; from Root__0 import b; z = 2",
        ),
        ("größe = 1; import a; 量 = 2", "größe = 1; from Root__0 import a; 量 = 2"),
        ("import größe", "from Root__0 import größe"),
        ("import a  # from a import b", "from Root__0 import a  # from a import b"),
        ("try: import a\nexcept ImportError: a = None", "try: from Root__0 import a\nexcept ImportError: a = None"),
        ("import a\r\nx = 1\r\n", "from Root__0 import a\r\nx = 1\r\n"),
        ("from a import (\n    b,  # why\n    c,\n)\nx = 1\n", "from \\\n\\\n\\\nRoot__0.a import b, c\nx = 1\n"),
        ("from a \\\n    import *\n", "from \\\nRoot__0.a import *\n"),
        ("import os, \\\n    a\n", "import \\\nos; from Root__0 import a\n"),
        ('from a import (\n  b); x = """\n"""\n', 'from \\\nRoot__0.a import b; x = """\n"""\n'),
        ("from a import (\n  b); x = \\\n  1\n", "from \\\nRoot__0.a import b; x = \\\n  1\n"),
        ("import a; from a import (\n b)\n", "from Root__0 import a; from \\\nRoot__0.a import b\n"),
        ("from a import (\n b); import a\n", "from \\\nRoot__0.a import b; from Root__0 import a\n"),
        ("if x:\n\timport a\n", "if x:\n\tfrom Root__0 import a\n"),
        ("x = 1\n\f\nimport a\n", "x = 1\n\f\nfrom Root__0 import a\n"),
        ('m = importlib.import_module("a.b")', 'm = importlib.import_module("Root__0.a.b")'),
        ("m = import_module('a', package=None)", "m = import_module('Root__0.a', package=None)"),
        ('m = import_module(r"""a""")', 'm = import_module("""Root__0.a""")'),
        ("import a; m = import_module('a')", "from Root__0 import a; m = import_module('Root__0.a')"),
        ("import_module('.b', 'a')", "import_module('.b', 'Root__0.a')"),
        ("import_module(name='.b', package='a')", "import_module(name='.b', package='Root__0.a')"),
        ("x = __import__('a')", "x = __import__('Root__0.a').a"),
        ("x = __import__('a.b').b.c", "x = __import__('Root__0.a.b').a.b.c"),
        ("__import__('a.b', fromlist=['c']).c", "__import__('Root__0.a.b', fromlist=['c']).c"),
        ("__import__('a.b', {}, {}, ['c']).c", "__import__('Root__0.a.b', {}, {}, ['c']).c"),
        ("import builtins; builtins.__import__('a')", "import builtins; builtins.__import__('Root__0.a').a"),
        (
            "from importlib.resources import files\nfiles('a').joinpath('b.txt')",
            "from importlib.resources import files\nfiles('Root__0.a').joinpath('b.txt')",
        ),
        (
            "from importlib import resources as r\nr.read_text('a.b', 'c.txt')",
            "from importlib import resources as r\nr.read_text('Root__0.a.b', 'c.txt')",
        ),
        (
            "import importlib.resources\nimportlib.resources.open_text('a', 'a')",
            "import importlib.resources\nimportlib.resources.open_text('Root__0.a', 'a')",
        ),
        (
            "import importlib_resources\nimportlib_resources.path(package='a', resource='b')",
            "import importlib_resources\nimportlib_resources.path(package='Root__0.a', resource='b')",
        ),
        ("import pkgutil as p; p.get_data('a', 'b.txt')", "import pkgutil as p; p.get_data('Root__0.a', 'b.txt')"),
        ("import pkgutil; pkgutil.resolve_name('a.b:c')", "import pkgutil; pkgutil.resolve_name('Root__0.a.b:c')"),
        (
            "import pkg_resources as k; k.resource_filename('a', 'b')",
            "import pkg_resources as k; k.resource_filename('Root__0.a', 'b')",
        ),
        (
            "import importlib.util\nif importlib.util.find_spec('a') is None: pass",
            "import importlib.util\nif importlib.util.find_spec('Root__0.a') is None: pass",
        ),
    ],
)
def test_imports_of_project_modules_find_them_below_the_root(before: str, after: str) -> None:
    assert rewrite(before) == after


@pytest.mark.parametrize(
    "source",
    [
        "",
        "import os",
        "import ax",
        "import xa",
        "import tgx",
        "from mytg import common",
        "from tgx.common import ml",
        "import os.a",
        "from os import a",
        "import os as a",
        "from __future__ import annotations",
        "from . import a",
        "from .a import b",
        "from .. import a",
        "from ...a.b import c",
        "x = 'import a'",
        '"""\nimport a\n"""',
        "# import a",
        "import_module(name)",
        "import_module('.a', __package__)",
        "import_module('os')",
        "import_module('b' '.c')",
        "import_module()",
        "load('a')",
        "__import__(a)",
        "__import__('os')",
        "files('a')",
        "from zipfile import Path; Path('a').read_text('a')",
        "from here import files; files('a')",
        "from .resources import files; files('a')",
        "client.get_data('a')",
        "logging.getLogger('a')",
        "import pkgutil; pkgutil.get_data('os', 'a')",
        "from importlib.resources import files; files(a)",
        "from importlib.resources import read_text; read_text(b, 'a')",
        "import_module(f'a.{x}')",
        "x = 1",
        "x = 1\n",
        "x = 1\r\n\r\n",
    ],
)
def test_all_else_stays(source: str) -> None:
    assert rewrite(source) == source


def test_imports_are_rewritten_wherever_they_stand() -> None:
    source = """
        from typing import TYPE_CHECKING

        if TYPE_CHECKING:
            import a
            from a.b import C

        class D:
            import a
            async def run(self):
                while True:
                    with open(self) as f:
                        import b.c
                match f:
                    case 1:
                        from b import c
            print(lambda: 1, f"{import_module('a')!r}")
        try:
            import a.b
        except ImportError:
            import b as a
        else:
            from a import x
        finally:
            import a
        """
    assert rewrite(textwrap.dedent(source)) == textwrap.dedent(
        """
        from typing import TYPE_CHECKING

        if TYPE_CHECKING:
            from Root__0 import a
            from Root__0.a.b import C

        class D:
            from Root__0 import a
            async def run(self):
                while True:
                    with open(self) as f:
                        import Root__0.b.c as b; from Root__0 import b
                match f:
                    case 1:
                        from Root__0.b import c
            print(lambda: 1, f"{import_module('Root__0.a')!r}")
        try:
            import Root__0.a.b as a; from Root__0 import a
        except ImportError:
            import Root__0.b as a
        else:
            from Root__0.a import x
        finally:
            from Root__0 import a
        """
    )


@pytest.mark.parametrize(
    ("content", "after"),
    [
        (b"\xef\xbb\xbfimport a\n", b"\xef\xbb\xbffrom Root__0 import a\n"),
        (b"# coding: latin-1\n\xe9 = 1; import a", b"# coding: latin-1\n\xe9 = 1; from Root__0 import a"),
        ("# größer\nimport a".encode(), "# größer\nfrom Root__0 import a".encode()),
    ],
)
def test_files_keep_their_encoding(tmp_path: Path, content: bytes, after: bytes) -> None:
    file = tmp_path / "tasks.py"
    file.write_bytes(content)
    source, encoding = read_python_source(file)
    assert rewrite(source).encode(encoding) == after


@pytest.mark.parametrize(
    "content",
    [
        b"x = '\xe9'\n",
        b"# coding: utf-8\nx = '\xff'",
        b"# coding: nonsense\n",
        b"\xef\xbb\xbf# coding: latin-1\n",
    ],
)
def test_a_file_in_another_encoding_than_it_declares_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tasks.py").write_bytes(content)
    with pytest.raises(
        PackagingError, match=r"tasks\.py is not in the encoding that it declares: .*; save it as UTF-8$"
    ):
        read_python_source(tmp_path / "tasks.py")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\nimport = 2\n", r"^tasks.py line 2 is not valid Python: .*; correct it, or name it in .tgignore$"),
        ("x = '\0'", r"^tasks.py( line 1)? is not valid Python: .*null bytes; correct"),
        ("(" * 3000 + ")" * 3000, r"^tasks.py.* is not valid Python: .*; correct"),
    ],
)
def test_what_is_not_python_is_named_with_its_line(source: str, message: str) -> None:
    with pytest.raises(PackagingError, match=message):
        rewrite_imports(source, PATH, "Root__0", {"a"})


def test_a_strange_escape_in_a_text_is_no_matter_of_packaging() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert rewrite_imports("import a\nx = '\\d'\n", PATH, "R", {"a"}) == "from R import a\nx = '\\d'\n"


def imports(source: str, path: str) -> list[tuple[str, int, bool]]:
    found = find_imports(textwrap.dedent(source), PurePosixPath(path))
    return sorted((each.name, each.line, each.is_required) for each in found)


def test_imports_are_found_with_what_they_are_needed_for() -> None:
    source = """\
        import a.b, os as o
        from p import q
        try:
            import maybe
        except ImportError:
            import other
        def f():
            from late import *
        import_module("text.here")
        """
    assert imports(source, "tasks.py") == [
        ("a.b", 1, True),
        ("late", 8, False),
        ("maybe", 4, False),
        ("os", 1, True),
        ("other", 6, False),
        ("p", 2, True),
        ("p.q", 2, False),
        ("text.here", 9, False),
    ]


@pytest.mark.parametrize(
    ("source", "path", "names"),
    [
        ("from . import x", "p/m.py", ["p", "p.x"]),
        ("from . import x", "p/__init__.py", ["p", "p.x"]),
        ("from .q import x", "p/m.py", ["p.q", "p.q.x"]),
        ("from .. import x", "p/q/m.py", ["p", "p.x"]),
        ("from ..r.s import x", "p/q/m.py", ["p.r.s", "p.r.s.x"]),
        ("from .. import x", "p/m.py", ["x"]),
        ("from ..... import x", "p/q/m.py", ["x"]),
    ],
)
def test_relative_imports_are_named_from_the_top(source: str, path: str, names: list[str]) -> None:
    assert [name for name, _, _ in imports(source, path)] == names


# --- the property: rewritten code binds the same names to the same things -----------------------------------------

TREE = {
    "rwa.py": "X = 1\n__all__ = ['X', 'Y']\nY = 'why'\nZ = 3\n",
    "rwb/__init__.py": "NAME = 'b'\n",
    "rwb/c.py": "from . import d\nfrom rwa import X\nC = ['c']\n",
    "rwb/d/__init__.py": "import rwa as first\nD = 4\n",
    "rwb/d/e.py": "import rwb.c\nfrom ..c import C\nE = rwb.c.C + C\n",
    "rwn/inner.py": "INNER = 5\n",
}
NAMES = {"rwa", "rwb", "rwn"}
MODULES = ["rwa", "rwb", "rwb.c", "rwb.d", "rwb.d.e", "rwn.inner", "json", "os.path", "rwn"]
MEMBERS = {
    "rwa": ["X", "Y", "Z"],
    "rwb": ["NAME", "c", "d"],
    "rwb.c": ["C", "X", "d"],
    "rwb.d": ["D", "e", "first"],
    "rwb.d.e": ["E", "rwb"],
    "rwn.inner": ["INNER"],
    "rwn": ["inner"],
    "json": ["dumps", "decoder"],
    "os.path": ["join"],
}
ALIASES = st.sampled_from(["", "", " as x", " as y", " as größe"])


@pytest.fixture(scope="module", autouse=True)
def trees(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("trees")
    for name, source in TREE.items():
        for place, text in {
            folder / name: source,
            folder / "rwroot" / name: rewrite_imports(source, PurePosixPath(name), "rwroot", NAMES),
        }.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
    (folder / "rwroot" / "__init__.py").touch()
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] in {*NAMES, "rwroot"}]:
        del sys.modules[name]


@st.composite
def statements(draw: st.DrawFn, allow_star: bool) -> str:
    if draw(st.booleans()):
        parts = draw(st.lists(st.tuples(st.sampled_from(MODULES), ALIASES), min_size=1, max_size=3))
        return "import " + draw(st.sampled_from([", ", ", \\\n    "])).join(map("".join, parts))
    module = draw(st.sampled_from(sorted(MEMBERS)))
    if allow_star and draw(st.integers(0, 5)) == 0:
        return f"from {module} import *"
    members = draw(st.lists(st.tuples(st.sampled_from(MEMBERS[module]), ALIASES), min_size=1, max_size=3))
    listed = ["".join(member) for member in members]
    layout = draw(st.sampled_from(["{}", "({})", "(\n{},\n)", "(  # why\n\n  {})"]))
    separator = ",\n" if "\n" in layout else ", "
    return f"from {module} import " + layout.format(separator.join(listed))


@st.composite
def pieces(draw: st.DrawFn) -> str:
    """Statements in one of the places where they may stand."""
    place = draw(
        st.sampled_from(["{}", "if True: {}", "if True:\n{}", "def f():\n{}\n    return locals()", "class K:\n{}"])
    )
    several = draw(st.lists(statements(allow_star=place == "{}"), min_size=1, max_size=3))
    after = draw(st.sampled_from(["", "; größer = 1", '; t = """\n1\n"""', "; s = \\\n  2", "  # done"]))
    if "\n" in place:
        # Only the first line of a statement is indented; what continues it may begin anywhere.
        return place.format("\n".join(f"    {each}{after}" for each in several))
    return place.format("; ".join(several)) + after


def run(source: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "generated"}
    exec(compile(source + "\nLINE = (lambda: 0).__code__.co_firstlineno\n", "generated", "exec"), namespace)
    result = {}
    for name, value in namespace.items():
        if name == "f":
            result["f()"] = {key: describe(each) for key, each in value().items()}
        elif name == "K":
            own = {key: each for key, each in vars(value).items() if not key.startswith("__")}
            result["K"] = {key: describe(each) for key, each in own.items()}
        elif name != "__builtins__":
            result[name] = describe(value)
    return result


def describe(value: Any) -> Any:
    return f"module {value.__name__.removeprefix('rwroot.')}" if isinstance(value, ModuleType) else value


@given(st.lists(pieces(), min_size=1, max_size=4), st.sampled_from(["\n", "\r\n"]))
def test_rewritten_modules_bind_the_same_names_to_the_same_things(parts: list[str], newline: str) -> None:
    source = "\n".join(parts).replace("\n", newline)
    rewritten = rewrite_imports(source, PATH, "rwroot", NAMES)
    expected, found = run(source), run(rewritten)
    assert found == expected
    # The comparison means something: no module of the project is reached outside the root.
    namespace: dict[str, Any] = {}
    exec(rewritten, namespace)
    outside = [value for value in namespace.values() if isinstance(value, ModuleType)]
    assert [each.__name__ for each in outside if each.__name__.partition(".")[0] in NAMES] == []


class Garbage:
    """Runs code when it is collected, during which Python turns to other threads."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        for _ in range(50):
            pass


def test_modules_are_parsed_in_several_threads() -> None:
    """What Python is confused by until 3.11.8."""
    source = "import a\n" + "values = [f(x, y=[{z: (1, -2)}]) for x in range(3)]\n" * 100

    def parse(_: int) -> list[str]:
        garbage = [Garbage() for _ in range(20)]
        del garbage
        return [each.name for each in find_imports(source, PATH)]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(6) as pool:
            found = list(pool.map(parse, range(100)))
    finally:
        sys.setswitchinterval(interval)
    assert found == [["a"]] * 100
