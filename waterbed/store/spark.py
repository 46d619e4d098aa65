"""Work shared by the workers of an Apache Spark cluster."""

import logging
import os
import pickle
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, TypeVar

from waterbed.model.errors import InputError, OwnFailure, WaterbedError
from waterbed.model.shell import installs
from waterbed.model.version import __version__
from waterbed.store.folder import STORE_ENVIRONMENT
from waterbed.store.own_files import KEY_FILE_ENVIRONMENT
from waterbed.store.vault import KEYS_ENVIRONMENT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MASTER_ENVIRONMENT: Final = "WATERBED_SPARK_MASTER"
"""Where the Spark cluster is; this machine's own processors otherwise."""
DRIVER_ENVIRONMENT: Final = "WATERBED_SPARK_DRIVER"
"""The address under which a cluster's workers reach this machine."""
_SECRETS: Final = (KEYS_ENVIRONMENT, KEY_FILE_ENVIRONMENT, STORE_ENVIRONMENT)
_HERE: Final = "127.0.0.1"
_LEAST_JAVA: Final = "17"
_SILENT: Final = """\
appender.none.type = Null
appender.none.name = none
rootLogger.level = off
rootLogger.appenderRef.none.ref = none
"""
"""How Spark logs: not at all, since it would repeat what it is given. Without an appender it takes its own settings."""
Item = TypeVar("Item")
Result = TypeVar("Result")


def on_spark(work: Callable[[Item], Result], items: Iterable[Item], folder: Path) -> Iterator[Result]:
    """The results of work on each item, in order.

    Work, items and results are pickled. At any time two groups of items, one for each processor of the cluster, are
    under way or wait here. InputError if Java or pyspark is missing, or a worker has no Waterbed or another version,
    OwnFailure if Spark fails; what `work` raises of ours is raised here.
    """
    with session(folder) as spark:
        context = spark.sparkContext
        sent = context.broadcast(work)

        def group(some: list[Item]) -> list[Result | WaterbedError]:
            pieces = context.parallelize([pickle.dumps(item) for item in some], len(some))
            found: list[Result | WaterbedError] = pieces.map(partial(_worked, sent, __version__)).collect()
            return found

        try:
            with _failures_told():
                for found in _ahead(group, items, context.defaultParallelism):
                    for one in found:
                        if isinstance(one, WaterbedError):
                            raise one
                        yield one
        finally:
            sent.destroy()


def _ahead(run: Callable[[list[Any]], list[Any]], items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """The results of each group of items; the next group is under way while one is taken."""
    left = iter(items)
    with ThreadPoolExecutor(1) as beside:
        waiting = None
        while group := list(islice(left, size)):
            following = beside.submit(run, group)
            if waiting:
                yield waiting.result()
            waiting = following
        if waiting:
            yield waiting.result()


def _worked(sent: Any, version: str, item: bytes) -> Any:
    """Do the work that was sent on one item, on a worker; a failure of ours is a result, so that its text arrives."""
    if version != __version__:
        return InputError(
            f"a Spark worker has Waterbed {__version__} and this machine {version}: install one wheel on all "
            "(docs/lake.md, Spark)"
        )
    try:
        return sent.value(pickle.loads(item))  # noqa: S301 (sent by this program)
    except WaterbedError as problem:
        return problem


@contextmanager
def _failures_told() -> Iterator[None]:
    """Turn a failure of Spark into OwnFailure: its message may quote values."""
    from py4j.protocol import Py4JError  # noqa: PLC0415 (the same)
    from pyspark.errors import PySparkException  # noqa: PLC0415 (an optional library)

    try:
        yield
    except (PySparkException, Py4JError) as problem:
        if "No module named 'waterbed" in str(problem):
            raise InputError(
                "a Spark worker has no Waterbed: install the same wheel on all workers (docs/lake.md, Spark)"
            ) from None
        raise OwnFailure(f"Spark failed ({type(problem).__name__})") from None


@contextmanager
def session(folder: Path, memory_mb: int = 4096, threads: int | None = None) -> Iterator["SparkSession"]:
    """Yield a Spark session; an existing one is reused.

    A start takes seconds: share one. Without a cluster it has `threads` processors, by default the machine's.
    """
    _require_java()
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 (an optional library, and a slow one)
    except ImportError:
        raise InputError(
            f'engine = "spark" needs pyspark, which is missing; {installs("spark")} (docs/lake.md, Spark)'
        ) from None
    there = SparkSession.getActiveSession()
    if there is not None:
        yield there
        return
    logging.getLogger("py4j").setLevel(logging.ERROR)
    master = os.environ.get(MASTER_ENVIRONMENT) or f"local[{threads or os.cpu_count() or 1}]"
    driver = os.environ.get(DRIVER_ENVIRONMENT) or _HERE
    if master.startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if driver == _HERE:
        os.environ.setdefault("SPARK_LOCAL_IP", _HERE)
    builder = SparkSession.builder.appName("waterbed").master(master)
    with TemporaryDirectory(
        prefix="spark-", dir=folder if os.access(folder, os.W_OK) else None, ignore_cleanup_errors=True
    ) as spill:
        (Path(spill) / "log4j2.properties").write_text(_SILENT)
        for name, value in _settings(spill, memory_mb, driver).items():
            builder = builder.config(name, value)
        with _without_secrets():
            started = builder.getOrCreate()
        try:
            yield started
        finally:
            started.stop()


@contextmanager
def _without_secrets() -> Iterator[None]:
    """Start a program that gets no key and no password of the database."""
    kept = {name: os.environ.pop(name) for name in _SECRETS if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


def _settings(spill: str, memory_mb: int, driver: str) -> dict[str, str]:
    return {
        "spark.driver.memory": f"{memory_mb}m",
        "spark.driver.maxResultSize": "0",
        "spark.driver.host": driver,
        "spark.driver.bindAddress": driver,
        "spark.log.level": "OFF",
        "spark.driver.extraJavaOptions": " ".join(
            f'"{option}"'  # a folder's name may hold blanks
            for option in (
                f"-Dlog4j2.configurationFile=file:{spill}/log4j2.properties",
                f"-Djava.io.tmpdir={spill}",
                f"-XX:ErrorFile={spill}/crash.log",  # it would hold the environment and the last names
                "-XX:-CreateCoredumpOnCrash",
                "-XX:-UsePerfData",  # a file outside this folder
            )
        ),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": spill,
        "spark.sql.warehouse.dir": f"{spill}/warehouse",
    }


def _require_java() -> None:
    home = os.environ.get("JAVA_HOME")
    if not (home and (Path(home) / "bin" / "java").is_file()) and shutil.which("java") is None:
        raise InputError(
            f'engine = "spark" needs Java {_LEAST_JAVA} or newer, and there is none: install it (Debian, Ubuntu: '
            "apt install openjdk-17-jre-headless) or name it in $JAVA_HOME; "
            'engine = "duckdb" needs none (docs/lake.md, Spark)'
        )
