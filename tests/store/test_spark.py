"""Spark's workers do the same work: equal results, and one sentence where something is missing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from operator import floordiv
from pathlib import Path
from tempfile import gettempdir

import msgspec
import pytest

from tests.store.lake.rig import concluded, days_of, in_store, prune, shifted, virtual
from tests.study.random_studies import Drawn
from tests.study.test_look_by_look import in_blocks
from waterbed.model.errors import InputError, OwnFailure, StoreFailure
from waterbed.store import spark
from waterbed.store.lake.sealing import seal
from waterbed.study.conclusions import Conclusions


@pytest.fixture
def two_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster of two workers, each a process of its own, whose Java lives for seconds as ours does."""
    monkeypatch.setenv(spark.MASTER_ENVIRONMENT, "local-cluster[2,1,1024]")
    (tmp_path / "spark-defaults.conf").write_text(
        f"spark.executor.extraJavaOptions {os.environ['SPARK_SUBMIT_OPTS']}\n"
    )
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))


def by_spark(ours: Conclusions) -> Conclusions:
    """The same facts read and judged by Spark's workers."""
    theirs = ours.with_(config=msgspec.structs.replace(ours.config, engine="spark"))
    theirs.shared = frozenset()
    return theirs


def equal(ours: Conclusions, theirs: Conclusions) -> bool:
    """Whether every conclusion is equal."""
    return all(
        getattr(theirs, name) == getattr(ours, name)
        for name in ("verdicts", "attributions", "quarantines", "episodes", "hops")
    )


@pytest.mark.long
@pytest.mark.usefixtures("two_workers")
def test_a_cluster_concludes_what_one_process_does(
    tmp_path: Path, bucket: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """From a lake on S3 and days in the store, in stretches and blocks, two workers read the same, and log nothing.

    So they do with rules that see anything.
    """
    like = virtual(4)
    folder = in_store(tmp_path / "study", like.conclusions.facts, location=bucket)
    seal(folder)
    days = days_of(like.conclusions.facts)
    prune(folder, days[:2])
    folder.store.add([shifted(like.conclusions.facts.looks[0], 1)])
    ours, drawn = concluded(folder, like), Drawn(7).conclusions()
    with spark.session(tmp_path):
        with in_blocks(700, 1 << 20):
            assert equal(ours, by_spark(ours))
        assert equal(drawn, by_spark(drawn))
    assert ours.episodes
    heard = capfd.readouterr()
    assert heard.out == ""
    greetings = ("WARNING: Using incubator modules", "Setting ", "To adjust logging level")
    assert [line for line in heard.err.splitlines() if not line.startswith(greetings)] == []


@pytest.mark.long
def test_java_gets_no_secret_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of Java names no key and no database, and what it writes, if it crashes too, is in the study."""
    folder = tmp_path / "a study"
    folder.mkdir()
    for name in ("WATERBED_KEYS", "WATERBED_KEY_FILE", "WATERBED_STORE"):
        monkeypatch.setenv(name, "secret-of-ours")
    temporary = Path(gettempdir())
    before = set(temporary.glob("spark-*")) | set(temporary.glob("hsperfdata_*/*"))
    # a process of its own: Java lives as long as the one that started it
    words = [sys.executable, "-c", _ONE_SESSION, str(folder)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "3 secret-of-ours\n"
        java = list(_with_crash_file(folder))
        assert java
        assert not any(b"secret-of-ours" in (process / "environ").read_bytes() for process in java)
        assert set(temporary.glob("spark-*")) | set(temporary.glob("hsperfdata_*/*")) <= before
        process.communicate("\n", timeout=60)
    assert list(folder.iterdir()) == []


_ONE_SESSION = """
import os, sys
from pathlib import Path
from waterbed.store.spark import session
with session(Path(sys.argv[1]), threads=1) as started:
    print(started.range(3).count(), os.environ["WATERBED_KEYS"], flush=True)
    input()
"""
"""One session, until a line comes; the process itself keeps its environment."""


def _with_crash_file(folder: Path) -> Iterator[Path]:
    """The processes whose crash file would be in a folder."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"-XX:ErrorFile={folder}".encode() in (process / "cmdline").read_bytes():
                yield process


@pytest.mark.long
def test_what_fails_on_a_worker_is_told_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure of ours is that failure; of any other only the kind is told, since its text may quote values."""
    with spark.session(tmp_path, threads=1):
        assert list(spark.on_spark(partial(floordiv, 7), [1, 2, 3, 7], tmp_path)) == [7, 3, 2, 1]
        with pytest.raises(StoreFailure, match="a day is damaged"):
            list(spark.on_spark(damaged, ["a day"], tmp_path))
        with pytest.raises(OwnFailure, match=r"^Spark failed \(\w+\)$"):
            list(spark.on_spark(partial(floordiv, 7), [0], tmp_path))
        monkeypatch.setattr(spark, "__version__", "0.0.1")
        with pytest.raises(InputError, match=r"a Spark worker has Waterbed \S+ and this machine 0\.0\.1"):
            list(spark.on_spark(partial(floordiv, 7), [1], tmp_path))


def damaged(what: str) -> None:
    """Work that fails as ours does."""
    raise StoreFailure(f"{what} is damaged")


def test_without_java_the_way_to_get_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Java is no reason to skip: the sentence says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(InputError, match="openjdk-17-jre-headless"):
        list(spark.on_spark(os.fspath, [tmp_path], tmp_path))
