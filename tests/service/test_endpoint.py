"""/health and /metrics: what a running service tells of itself."""

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.service.rig import QUICK, asked, fetched, served, set_service, until
from tests.study.rig import feed, lab_study, reports_csv
from waterbed.model.facts import Observation
from waterbed.service.endpoint import Endpoint
from waterbed.service.metrics import STUCK_S, Gauges, State
from waterbed.service.service import Service
from waterbed.store.bounds import listen_address


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def endpoint(state: State) -> Iterator[Endpoint]:
    made = Endpoint(QUICK, state, Gauges(state).text)
    yield made
    made.close()


def test_health_follows_the_state(state: State, endpoint: Endpoint) -> None:
    """200 while it looks; 503 with the reason while it waits, when it stops, and when its loop is silent."""
    seen = []
    for phase, why in (("looking", ""), ("waiting", "store"), ("stopping", ""), ("looking", "")):
        state.enter(phase, why)  # type: ignore[arg-type]  # words of the two types
        status, body = fetched(f"{endpoint.shown}/health")
        seen.append((status, json.loads(body)["status"], json.loads(body)["why"]))
    assert seen == [(200, "ok", ""), (503, "waiting", "store"), (503, "stopping", ""), (200, "ok", "")]
    state.beat = monotonic() - STUCK_S - 1
    status, body = fetched(f"{endpoint.shown}/health")
    assert (status, json.loads(body)["status"]) == (503, "stuck")
    assert b"waterbed_healthy 0.0" in fetched(f"{endpoint.shown}/metrics")[1]


def test_other_paths_are_not_there(endpoint: Endpoint) -> None:
    """Nothing else is served, and a path is not repeated in the answer."""
    status, body = fetched(f"{endpoint.shown}/secret-path")
    assert status == 404
    assert b"secret" not in body


def test_who_says_nothing_holds_up_nobody(endpoint: Endpoint) -> None:
    """Connections that stay silent do not keep others from their answer."""
    host, _, port = endpoint.shown.removeprefix("http://").partition(":")
    silent = [socket.create_connection((host, int(port))) for _ in range(20)]
    assert fetched(f"{endpoint.shown}/health")[0] == 200
    for one in silent:
        one.close()


@pytest.mark.parametrize("listen", ["9477", "localhost:9477", "127.0.0.1:x", "127.0.0.1:99999", "[::1]", ":9477"])
def test_a_wrong_address_is_named(listen: str) -> None:
    """What is no address and port is refused with the value; a name is none, since it would have to be looked up."""
    with pytest.raises(ValueError, match=r"service\.listen"):
        listen_address(listen)


@pytest.mark.parametrize(("listen", "found"), [("127.0.0.1:0", ("127.0.0.1", 0)), ("[::1]:9477", ("::1", 9477))])
def test_addresses_of_both_families_are_taken(listen: str, found: tuple[str, int]) -> None:
    """IPv4, and IPv6 in brackets."""
    assert listen_address(listen) == found


def test_metrics_are_read_by_prometheus_and_name_no_host(tmp_path: Path) -> None:
    """Its own parser reads every figure; looks are counted, their lateness too, and no form of any host is there."""
    pairs = feed(40)
    with lab_study(pairs, tmp_path) as (study, _):
        set_service(study)
        study.import_reports(reports_csv(pairs, tmp_path))
        told: dict[str, bytes] = {}

        async def look(service: Service, endpoint: Endpoint) -> None:
            await until(lambda: study.folder.store.count(Observation) == 40 and service.state.looks == 40)
            await asyncio.sleep(1.5)  # one more line of health, which measures the lag
            for path in ("/metrics", "/health"):
                told[path] = (await asked(endpoint, path))[1]

        served(study, look)
        figures = {
            sample.name: sample.value
            for family in text_string_to_metric_families(told["/metrics"].decode())
            for sample in family.samples
        }
        assert figures["waterbed_looks_total"] == 40
        assert figures["waterbed_look_lateness_seconds_count"] == 40
        assert (figures["waterbed_due"], figures["waterbed_overdue"], figures["waterbed_healthy"]) == (0, 0, 1)
        assert (figures["waterbed_canary_healthy"], figures["waterbed_resolver_answers"]) == (1, 1)
        assert 0 < figures["waterbed_disk_free_bytes"] <= figures["waterbed_disk_size_bytes"]
        assert figures["waterbed_last_backup_timestamp_seconds"] == 0
        health = json.loads(told["/health"])
        assert (health["status"], health["looks"], health["due"], health["overdue"]) == ("ok", 40, 0, 0)
        text = b"".join(told.values()).decode().lower()
        hosts = {address.split("/")[2] for address, _ in pairs}
        assert not [form for host in hosts for form in (host, *host.split(".")[:2]) if form in text]
