"""Translates DuckDB's SQL texts to Apache Spark, by sqlglot.

There is one text. It is translated anew each time, so the two engines cannot drift apart (docs/decisions/0016). Steps
that the text calls MATERIALIZED are computed once here too: Spark would compute a step again for each of its readers.
"""

import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from waterbed.model.errors import InputError, OwnFailure
from waterbed.store.lake.kinds import schema_of

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
        if isinstance(node, exp.Anonymous) and node.name.lower() == "epoch_us":
            return exp.Anonymous(this="unix_micros", expressions=node.expressions)
        if isinstance(node, exp.BitwiseRightShift):
            hashed = exp.Anonymous(this="xxhash64", expressions=node.this.expressions)
            return exp.Anonymous(this="shiftrightunsigned", expressions=[hashed, node.expression])
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
    with session(folder, memory_mb, threads) as spark:
        made = Spark(spark)
        with _failures_told():
            for name, source in tables.items():
                _table(spark, source).createOrReplaceTempView(name)
        return made.table(sql, values)


@contextmanager
def _failures_told() -> Iterator[None]:
    """Turn a failure of Spark into OwnFailure: its message repeats the text and may quote values."""
    from py4j.protocol import Py4JError  # noqa: PLC0415 (the same)
    from pyspark.errors import PySparkException  # noqa: PLC0415 (an optional library)

    try:
        yield
    except (PySparkException, Py4JError) as problem:
        raise OwnFailure(f"the SQL engine Spark failed ({type(problem).__name__})") from None


class Spark:
    """Spark with named tables."""

    def __init__(self, session: "SparkSession") -> None:
        """Take a session."""
        self.session = session

    def add(self, name: str, table: pa.Table) -> None:
        """Add a table in memory."""
        with _failures_told():
            self.session.createDataFrame(table).createOrReplaceTempView(name)

    def add_facts(self, name: str, part: Any, cls: Any, columns: Sequence[str]) -> None:
        """Add the facts of one kind (`engine.Part`), each once."""
        (key,) = cls.KEY
        names = list(dict.fromkeys((key, *columns)))
        schema = schema_of(cls)
        stored = pa.concat_tables([schema.empty_table(), *part.tables()]).select(names)
        with _failures_told():
            found = self.session.createDataFrame(stored)
            for paths, several in zip(part.files(), (False, True), strict=True):
                if paths:
                    found = found.unionByName(self._of_files(paths, cls, names))
                    found = found.dropDuplicates([key]) if several else found
            found.createOrReplaceTempView(name)

    def _of_files(self, paths: Sequence[Path], cls: Any, names: Sequence[str]) -> Any:
        from pyspark.sql import functions as sql  # noqa: PLC0415 (an optional library)

        read = self.session.read.option("mergeSchema", "true").parquet(*(str(path.resolve()) for path in paths))
        defaults = {field.name: field.default for field in fields(cls)}
        form = self.session.createDataFrame(schema_of(cls).empty_table()).schema
        cells = []
        for name in names:
            default = defaults[name]
            absent = (
                sql.array()
                if default == () or pa.types.is_list(schema_of(cls).field(name).type)
                else sql.lit(default if isinstance(default, str) else None)
            )
            cell = sql.coalesce(read[name], absent) if name in read.columns else absent
            cells.append(cell.cast(form[name].dataType).alias(name))
        return read.select(*cells)

    def table(self, text: str, values: Mapping[str, Any] | None = None) -> pa.Table:
        """The rows of a query; OwnFailure if it fails."""
        steps, asked = translated(text)
        with _failures_told():
            for step in steps:
                made = self.session.sql(step.sql, args=dict(values or {}))
                (made.localCheckpoint() if step.once else made).createOrReplaceTempView(step.name)
            found: pa.Table = self.session.sql(asked, args=dict(values or {})).toArrow()
        return found

    def batches(self, text: str, rows: int, values: Mapping[str, Any] | None = None) -> Iterator[pa.Table]:
        """The rows in tables of at most so many.

        One without rows if there is none.
        """
        found = self.table(text, values)
        for first in range(0, max(1, found.num_rows), rows):
            yield found.slice(first, rows)


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
    logging.getLogger("SQLQueryContextLogger").disabled = True  # it repeats queries that fail
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
