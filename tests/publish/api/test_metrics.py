"""/metrics of a server: who may read it, and what it tells of a study that cannot be read."""

from pathlib import Path
from threading import Event

import msgspec
import pytest

from tests.publish.api.serving import ACCESS, FOR_CASES, FOR_GROUPS, Server, fixed, running, until
from tests.publish.study import small_study
from waterbed.model.errors import StoreFailure
from waterbed.publish.api.app import api
from waterbed.publish.api.guard import Access, Key, checksum
from waterbed.publish.api.server import server_of
from waterbed.publish.api.source import Served, Source
from waterbed.publish.policy import Publication
from waterbed.study.condition import StudyFigures

FOR_METRICS = "a key for metrics"
KEYS = (*ACCESS.keys, Key(name="watch", sha256=checksum(FOR_METRICS), scopes=("metrics",), a_minute=1_000_000))


def statuses(server: Server, path: str = "/metrics") -> dict[str | None, int]:
    """The status for each key."""
    return {key: server.get(path, key).status for key in (None, "wrong", FOR_GROUPS, FOR_CASES, FOR_METRICS)}


@pytest.mark.parametrize("free", [False, True])
def test_where_there_are_keys_only_one_of_that_scope_reads_metrics(publication: Publication, *, free: bool) -> None:
    """Neither keys for tables nor open tables open it, and its key opens no table."""
    access = msgspec.structs.replace(ACCESS, keys=KEYS, open=free)
    with running(server_of(api(fixed(publication), access, figures=lambda: b"# HELP\n"))) as server:
        assert statuses(server) == {None: 401, "wrong": 401, FOR_GROUPS: 403, FOR_CASES: 403, FOR_METRICS: 200}
        got = server.get("/metrics", FOR_METRICS)
        assert (got.content, got.headers["cache-control"]) == (b"# HELP\n", "no-store")
        assert got.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert server.get("/metrics?name=x", FOR_METRICS).status == 422
        assert server.get("/metrics", FOR_METRICS, method="HEAD").status == 200
        until(lambda: server.get("/health").status == 200)
        assert server.get("/v1/tables", FOR_METRICS).status == (200 if free else 403)


def test_a_server_of_this_machine_alone_tells_without_a_key_and_an_open_one_never(publication: Publication) -> None:
    """Without a keys file only this machine can ask; a keys file without keys is open to others."""
    opened = Access(open=True, a_minute=1_000_000)
    for own, status in ((True, 200), (False, 403)):
        with running(server_of(api(fixed(publication), opened, figures=lambda: b"", own=own))) as server:
            assert server.get("/metrics").status == status
            until(lambda: server.get("/health").status == 200)
            assert server.get("/v1/cases").status == 403


def test_metrics_are_there_while_the_first_edition_is_made(publication: Publication, tmp_path: Path) -> None:
    """Of a real study, as it is then; no name that it holds is among them."""
    may = Event()

    def read() -> Served:
        assert may.wait(60)
        return Served(publication=publication, site={})

    with small_study(tmp_path) as study:
        figures = StudyFigures(study.folder.path).text
        source = Source(read=read, mark=lambda: "the same")
        opened = Access(open=True, a_minute=1_000_000)
        with running(server_of(api(source, opened, figures=figures, own=True))) as server:
            assert server.get("/v1").status == 503
            text = server.get("/metrics").content.decode()
            may.set()
        assert "waterbed_last_seal_timestamp_seconds 0.0" in text
        assert "example" not in text


def test_a_study_that_cannot_be_read_is_a_failure_without_words_of_it(publication: Publication) -> None:
    """Prometheus then takes the target for down."""

    def gone() -> bytes:
        raise StoreFailure("the store at /secret is gone")

    opened = Access(open=True, a_minute=1_000_000)
    with running(server_of(api(fixed(publication), opened, figures=gone, own=True))) as server:
        got = server.get("/metrics")
        assert (got.status, b"secret" in got.content) == (500, False)
