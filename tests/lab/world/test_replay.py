"""Replaying a feed: its hosts answer at all their addresses."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dns.rcode
import pytest

from waterbed.lab.servers.process import LabServers
from waterbed.lab.world.replay import read_feed
from waterbed.model.errors import InputError

_NOW = datetime(2025, 4, 1, tzinfo=UTC)
_FEED = """# a comment
Date,Score,URL,IP
"2025-04-01","5","http://Shop.Example/login","28.0.0.1"
"2025-04-01","5","https://shop.example/login?a=1","2d00::1"
"2025-04-01","5","https://other.example:8443/","28.0.0.2"
"2025-04-01","5","http://28.0.0.9/x","28.0.0.9"
"2025-04-01","5","http://inside.example/","10.0.0.1"
"2025-04-01","5","not a url","28.0.0.3"
"2025-04-01","5","http://odd.example/","unknown"
"""


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    path = tmp_path / "feed.csv"
    path.write_text(_FEED)
    return path


def test_rows_without_url_or_address_are_left_out(feed: Path) -> None:
    """Hosts are known by canonical name with the union of their addresses; unusable rows make none."""
    world = read_feed(feed)
    assert world.hosts == 4
    assert world.addresses("shop.example", _NOW) == ("28.0.0.1", "2d00::1")
    assert world.addresses("28.0.0.9", _NOW) is None
    assert world.addresses("odd.example", _NOW) is None
    assert [listener.port for listener in world.listeners()] == [80, 443, 8443]
    assert "example" not in repr(world)


def test_the_live_form_of_a_feed_is_the_same_world(feed: Path, tmp_path: Path) -> None:
    """Comments and rows without a header, as the feed is served, and as `import` reads it."""
    live = tmp_path / "live.csv"
    rows = _FEED.partition("IP\n")[2].replace('"2025-04-01"', '"2025-04-01 10:00:00"')
    live.write_text(f"# Phishing\n# CSV: Date,Score,URL,IP\n{rows}")
    for kind in ("hosts", "_addresses", "_targets"):
        assert getattr(read_feed(live), kind) == getattr(read_feed(feed), kind)


def test_known_paths_answer(feed: Path, client_of: Callable) -> None:
    """Over the wire: all addresses, 200 at known paths on any port, 404 elsewhere, private answers as they are."""
    with LabServers(read_feed(feed), _NOW) as servers:
        client = client_of(servers)
        assert client.resolve("shop.example").answer[0][0].to_text() == "28.0.0.1"
        assert client.resolve("shop.example", "AAAA").answer[0][0].to_text() == "2d00::1"
        assert client.resolve("inside.example").answer[0][0].to_text() == "10.0.0.1"
        assert client.resolve("odd.example").rcode() == dns.rcode.NXDOMAIN
        assert client.ask("28.0.0.1", "shop.example", "/login", method="HEAD").status == 200
        reply = client.ask("2d00::1", "shop.example", "/login?a=1", port=443, tls=True, method="HEAD")
        assert (reply.status, reply.headers["content-type"]) == (200, "text/html")
        assert client.ask("28.0.0.2", "other.example:8443", "/", port=8443, tls=True).status == 200
        assert client.ask("28.0.0.9", "28.0.0.9", "/x").status == 200
        assert client.ask("28.0.0.1", "shop.example", "/other").status == 404
        assert client.ask("33.255.255.1", "first.waterbed-canary.net", "/").status == 200


def test_a_feed_without_its_columns_is_refused(tmp_path: Path) -> None:
    """A missing column is named."""
    path = tmp_path / "feed.csv"
    path.write_text("Date,URL\n2025-04-01,http://a.example/\n")
    with pytest.raises(InputError, match="lacks the column IP"):
        read_feed(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_feed(tmp_path / "missing.csv")


@pytest.mark.realdata
def test_the_real_feed_is_read_whole() -> None:
    """Every host of the public feed of April 2025 is there."""
    assert read_feed(Path(os.environ["WATERBED_REALDATA"]) / "phishstats-2025-04.csv").hosts == 17_562
