"""Responses that come late: the next URL of the host must not be given the last one's."""

import asyncio

import pytest

from tests.crawler.net.hostile import Answer, Extra
from tests.crawler.probe.test_prober import head, looked
from waterbed.model.facts import Observation
from waterbed.store.settings import Probe

PRESENT, GONE = head("200 OK"), head("404 Not Found")
PAUSE_S = 0.3


def present(method: str, target: str, source: str) -> bytes:
    """Every URL is there."""
    return PRESENT


def page(method: str, target: str, source: str) -> bytes:
    """The reported URL is a page, any other is missing."""
    return head("200 OK", "Content-Type: text/html", method=method) if target.count("/") == 2 else GONE


def moved(method: str, target: str, source: str) -> bytes:
    """Every URL is there, behind a slash at its end."""
    return PRESENT if target.endswith("/") else head("301 Moved Permanently", f"Location: {target}/")


def statuses(extra: Extra, answer: Answer = present, urls: int = 3) -> list[tuple[int | None, str | None]]:
    """Status and failure of each URL of a host whose URLs are all there."""
    probe = Probe(delay_s=PAUSE_S, network_delay_s=0.0, timeout_s=2.0)
    facts, _ = looked(answer, urls=urls, extra=extra, category="abuse", probe=probe)
    return [(seen.status, seen.failure) for seen in facts.facts if isinstance(seen, Observation)]


def in_the_pause(writer: asyncio.StreamWriter, number: int) -> None:
    """A second response to the same request, while the crawler waits its turn."""
    asyncio.get_running_loop().call_later(PAUSE_S / 3, writer.write, GONE)


def before_the_next(writer: asyncio.StreamWriter, number: int) -> None:
    """The late response comes when the next request is on its way already."""
    if number:
        writer.write(GONE)


def cut_in_the_pause(writer: asyncio.StreamWriter, number: int) -> None:
    """The server closes the connection that it said it would keep."""
    asyncio.get_running_loop().call_later(PAUSE_S / 3, writer.close)


def cut_at_the_next(writer: asyncio.StreamWriter, number: int) -> None:
    """The server closes when the second request comes."""
    if number:
        writer.close()


@pytest.mark.long
@pytest.mark.parametrize("answer", [present, moved])
@pytest.mark.parametrize("extra", [in_the_pause, before_the_next, cut_in_the_pause, cut_at_the_next])
def test_no_url_is_given_the_response_of_another(extra: Extra, answer: Answer) -> None:
    """Whatever a kept connection carries late, each URL gets the status that a connection of its own would give.

    So does each step of a redirect.
    """
    assert statuses(extra, answer, urls=2) == [(200, None)] * 2


@pytest.mark.parametrize("category", ["phishing", "reading"])
def test_a_get_is_not_given_a_second_answer_to_head(category: str) -> None:
    """A page that HEAD found is not gone since HEAD was answered twice, whatever profile sends GET."""

    def again(writer: asyncio.StreamWriter, number: int) -> None:
        if number:
            writer.write(GONE)

    facts, _ = looked(page, extra=again, category=category)
    assert [(seen.status, seen.failure) for seen in facts.facts if isinstance(seen, Observation)] == [(200, None)]


def test_what_is_gone_is_gone_on_a_connection_of_its_own_too() -> None:
    """A 404 over a kept connection is asked once more over a fresh one, no more often."""
    asked: list[int] = []

    def gone(writer: asyncio.StreamWriter, number: int) -> None:
        asked.append(number)
        writer.write(GONE)
        writer.close()

    assert statuses(gone, urls=2) == [(404, None)] * 2
    assert len(asked) <= 4
