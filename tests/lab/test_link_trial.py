"""Link checks against servers that answer as the real ones do, and that lie."""

import asyncio
from dataclasses import replace

import pytest

from waterbed.crawler.probe.link_checks import SHIPPED, LinkCheck, link_checks_in
from waterbed.lab.link_trial import TrialRow, concluded, try_in_lab
from waterbed.lab.servers.link_checks import MANNERS, link_check_host
from waterbed.lab.servers.wire import server_context
from waterbed.model.errors import InputError
from waterbed.model.urls import canonicalize

SHAPES = link_checks_in(SHIPPED)
HONEST = {manner.name for manner in MANNERS if manner.honest}
WINDOW = 2048


@pytest.fixture(scope="module")
def tried() -> list[TrialRow]:
    """Both shapes, with a known file, against every manner."""
    return try_in_lab(SHAPES)


def test_the_shipped_examples_are_both_shapes_and_disabled() -> None:
    """A GET whose empty answer means there, and a POST whose page has a row."""
    assert [(shape.method, shape.empty, shape.words, shape.enabled) for shape in SHAPES] == [
        ("GET", "exists", "whole", False),
        ("POST", None, "row", False),
    ]


def test_verdicts_are_right_or_unknown(tried: list[TrialRow]) -> None:
    """The truth of an honest server is concluded; of a lie, nothing false."""
    assert len(tried) == len(SHAPES) * len(MANNERS)
    assert {(row.server, row.result) for row in tried if row.server in HONEST} == {(name, "right") for name in HONEST}
    assert {row.result for row in tried if row.server not in HONEST} == {"unknown"}
    assert all(row.there != "missing" and row.missing != "there" for row in tried)


def test_bytes_stay_within_the_limit(tried: list[TrialRow]) -> None:
    """No more of an answer reaches this machine than the limit, as the server counts; of a small one, and a window."""
    limits = {shape.name: shape.body_limit for shape in SHAPES}
    for row in tried:
        most = limits[row.check]
        assert row.bytes <= (most if most > 2 * WINDOW else most + WINDOW), row
    assert max(row.bytes for row in tried) > 10_000


def test_without_a_known_file_nothing_is_called_missing() -> None:
    """Whoever denies a file may deny all: what is there is confirmed, and the trial says what would mend the rest."""
    rows = {row.server: row for row in try_in_lab([replace(shape, known=None) for shape in SHAPES])}
    assert {row.result for row in rows.values()} == {"unknown"}
    assert {(rows[name].there, rows[name].missing, rows[name].why) for name in HONEST} == {
        ("there", "unknown", "name a known file")
    }


def test_a_check_without_an_example_cannot_be_tried() -> None:
    """One sentence says what was expected."""
    with pytest.raises(InputError, match="example"):
        try_in_lab([replace(SHAPES[0], example=None)])


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_one_url_is_asked_a_request_and_a_made_up_one_first(shape: LinkCheck) -> None:
    """A pass sends three requests for its first URL; the made-up and the known one decide if the last is sent."""

    async def asked(manner_name: str) -> tuple[list[str], bool | None]:
        manner = next(manner for manner in MANNERS if manner.name == manner_name)
        file, known = (canonicalize(f"https://{shape.host}{path}") for path in (shape.example, shape.known))
        async with link_check_host(shape, manner, [file, known], server_context()) as host:
            return host.asked, await concluded(shape, file, host.port)

    assert asyncio.run(asked("honest")) == ([shape.method] * 3, True)
    assert asyncio.run(asked("confirms all")) == ([shape.method], None)
