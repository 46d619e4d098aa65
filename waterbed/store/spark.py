"""Translates DuckDB's SQL texts to Apache Spark, by sqlglot.

There is one text. It is translated anew each time, so the two engines cannot drift apart (docs/decisions/0016). Steps
that the text calls MATERIALIZED are computed once here too: Spark would compute a step again for each of its readers.
"""

import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from waterbed.model.errors import InputError, OwnFailure

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MASTER_ENVIRONMENT = "WATERBED_SPARK_MASTER"
"""Where the Spark cluster is; this machine's own processors otherwise."""
_LEAST_JAVA = "17"
_SILENT = """\
appender.none.type = Null
appender.none.name = none
rootLogger.level = off
rootLogger.appenderRef.none.ref = none
"""
"""How Spark logs: not at all, since it would repeat queries. Without an appender it takes its own settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a text in Spark's dialect."""

    name: str
    sql: str
    once: bool


def translated(sql: str) -> tuple[list[Step], str]:
    """Return the steps of one text in Spark's dialect."""
    sqlglot, exp = _sqlglot()

    def theirs(node: Any) -> Any:
        if isinstance(node, exp.ArrayOverlaps):
            return exp.Anonymous(this="arrays_overlap", expressions=[node.this, node.expression])
        if isinstance(node, exp.Bracket) and isinstance(node.expressions[0], exp.Column):
            # sqlglot knows that lists begin elsewhere only where the place is a number
            return exp.Anonymous(this="try_element_at", expressions=[node.this, *node.expressions])
        return node

    read = sqlglot.parse_one(sql, read="duckdb").transform(theirs)
    steps = [
        Step(name=cte.alias, sql=cte.this.sql(dialect="spark"), once=bool(cte.args.get("materialized")))
        for cte in read.ctes
    ]
    read.set("with_", None)
    return steps, read.sql(dialect="spark")


def run_on_spark(
    sql: str, tables: Mapping[str, Any], values: Mapping[str, Any], *, folder: Path, memory_mb: int, threads: int
) -> pa.Table:
    """Run one SQL text on Spark, as `engine.run` on DuckDB.

    What is computed on the way lies in a folder made inside `folder` and removed at the end. Raises InputError if Java
    or pyspark is missing, OwnFailure if the engine fails.
    """
    steps, asked = translated(sql)
    with session(folder, memory_mb, threads) as spark:
        from py4j.protocol import Py4JError  # noqa: PLC0415 (the same)
        from pyspark.errors import PySparkException  # noqa: PLC0415 (an optional library)

        try:
            for name, source in tables.items():
                _table(spark, source).createOrReplaceTempView(name)
            for step in steps:
                made = spark.sql(step.sql, args=dict(values))
                (made.localCheckpoint() if step.once else made).createOrReplaceTempView(step.name)
            result: pa.Table = spark.sql(asked, args=dict(values)).toArrow()
        except (PySparkException, Py4JError) as problem:
            # its message repeats the text and may quote values
            raise OwnFailure(f"the SQL engine Spark failed ({type(problem).__name__})") from None
        return result


def _table(session: "SparkSession", source: Any) -> Any:
    if isinstance(source, pa.Table):
        return session.createDataFrame(source)
    paths = [source] if isinstance(source, Path) else source
    return session.read.parquet(*(str(path.resolve()) for path in paths))


@contextmanager
def session(folder: Path, memory_mb: int = 4096, threads: int = 2) -> Iterator["SparkSession"]:
    """Yield a Spark session; an existing one is reused.

    A start takes seconds: share one.
    """
    _require_java()
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 (an optional library, and a slow one)
    except ImportError:
        raise _missing("pyspark") from None
    there = SparkSession.getActiveSession()
    if there is not None:
        yield there
        return
    logging.getLogger("py4j").setLevel(logging.ERROR)
    master = os.environ.get(MASTER_ENVIRONMENT) or f"local[{threads}]"
    if master.startswith("local"):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.appName("waterbed").master(master)
    with TemporaryDirectory(prefix="spark-", dir=folder, ignore_cleanup_errors=True) as spill:
        (Path(spill) / "log4j2.properties").write_text(_SILENT)
        for name, value in _settings(spill, memory_mb, threads).items():
            builder = builder.config(name, value)
        started = builder.getOrCreate()
        try:
            yield started
        finally:
            started.stop()


def _settings(spill: str, memory_mb: int, threads: int) -> dict[str, str]:
    return {
        "spark.driver.memory": f"{memory_mb}m",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.log.level": "OFF",
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile=file:{spill}/log4j2.properties",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": spill,
        "spark.sql.warehouse.dir": f"{spill}/warehouse",
        "spark.sql.shuffle.partitions": str(max(2, 4 * threads)),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # a place beyond the end of a list is null, as in DuckDB
        "spark.sql.ansi.enabled": "false",
    }


def _require_java() -> None:
    home = os.environ.get("JAVA_HOME")
    if not (home and (Path(home) / "bin" / "java").is_file()) and shutil.which("java") is None:
        raise InputError(
            f'engine = "spark" needs Java {_LEAST_JAVA} or newer, and there is none: install it (Debian, Ubuntu: '
            "apt install openjdk-17-jre-headless) or name it in $JAVA_HOME; "
            'engine = "duckdb" needs none (docs/lake.md, Spark)'
        )


def _sqlglot() -> tuple[Any, Any]:
    try:
        import sqlglot  # noqa: PLC0415 (an optional library)
    except ImportError:
        raise _missing("sqlglot") from None
    return sqlglot, sqlglot.exp


def _missing(name: str) -> InputError:
    return InputError(
        f'engine = "spark" needs {name}, which is not installed: pip install "waterbed[spark]" (docs/lake.md, Spark)'
    )
