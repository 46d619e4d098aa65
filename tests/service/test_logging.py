"""Log lines as JSON and as text: fields of our own, and no address whoever speaks."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Literal

import pytest

from waterbed.service.logging import LogLines, configure_logging

HOST = "login.quarzfelsen-bank.co.uk"
Form = Literal["text", "json"]


@pytest.fixture
def spoken() -> Iterator[Callable[[Form], io.StringIO]]:
    """Speak in a form; what is said comes into a text."""
    root, service = logging.getLogger(), logging.getLogger("waterbed.service")
    before = list(root.handlers), root.level, service.level

    def begin(form: Form) -> io.StringIO:
        out = io.StringIO()
        configure_logging(form, verbose=True, out=out)
        return out

    yield begin
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    service.setLevel(before[2])


def told(form: Form, text: str) -> list[str]:
    """The lines, each whole: JSON objects, or key=value."""
    found = text.splitlines()
    for line in found:
        if form == "json":
            assert {"timestamp", "level", "logger", "event"} <= set(json.loads(line))
        else:
            assert line.startswith("timestamp=")
    return found


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_planted_host_is_in_no_line(form: Form, spoken: Callable[[Form], io.StringIO]) -> None:
    """Messages, arguments, fields, errors, tracebacks and stacks of any logger: one line each, without the host."""
    out = spoken(form)
    for name in (
        "waterbed.service",
        "waterbed.crawler.recheck.session",
        "scrapy.core.engine",
        "asyncio",
        "sqlalchemy.engine",
        "x",
    ):
        logger = logging.getLogger(name)
        try:
            raise KeyError(f"http://{HOST}/secret-path")
        except KeyError as problem:
            logger.exception("it broke at %s", HOST)
            logger.error("failed: %s", problem, stack_info=True)
            logger.error("fields", extra={"where": f"https://{HOST}/secret-path", "also": [HOST], "what": problem})
            logger.error("%d", HOST)
    text = out.getvalue()
    assert len(told(form, text)) == 24
    for piece in ("quarzfelsen", "secret-path", "co.uk", "Traceback"):
        assert piece not in text
    assert "KeyError at test_logging:" in text


def test_fields_keep_their_kind(spoken: Callable[[Form], io.StringIO]) -> None:
    """Numbers, truth values, nulls and words of ours come as they are, in one JSON object a line."""
    out = spoken("json")
    fields = {"due": 3, "late_s": 1.23456, "why": "store", "none": None, "yes": True, "lines": "one\ntwo"}
    logging.getLogger("waterbed.service").info("health", extra=fields)
    line = json.loads(told("json", out.getvalue())[0])
    assert {name: line[name] for name in fields} == {**fields, "late_s": 1.235}
    assert (line["event"], line["level"], line["logger"]) == ("health", "info", "waterbed.service")
    assert line["timestamp"].endswith("Z")


def test_text_lines_stay_one_line(spoken: Callable[[Form], io.StringIO]) -> None:
    """Line feeds within a field do not make a second line."""
    out = spoken("text")
    logging.getLogger("waterbed.service").info("two\nlines", extra={"more": "a\nb"})
    assert len(told("text", out.getvalue())) == 1


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_holds_no_escape_codes_of_a_terminal(form: Form, spoken: Callable[[Form], io.StringIO]) -> None:
    """The event that a server writes a second time, in colours, is left out."""
    out = spoken(form)
    logging.getLogger("uvicorn.error").warning("begun", extra={"color_message": "\x1b[36mbegun\x1b[0m"})
    (line,) = told(form, out.getvalue())
    assert ("begun" in line, "color" in line, "[36m" in line) == (True, False, False)


def test_text_lines_leave_out_what_is_not_known(spoken: Callable[[Form], io.StringIO]) -> None:
    """A field without a value is not written; zero is."""
    out = spoken("text")
    fields = {"due": 0, "oldest_due_s": None, "why": ""}
    logging.getLogger("waterbed.service").info("health", extra=fields)
    line = out.getvalue()
    assert ("due=0" in line, "oldest_due_s" in line, "why" in line) == (True, False, False)


def test_what_cannot_be_written_tells_only_where(
    spoken: Callable[[Form], io.StringIO], capsys: pytest.CaptureFixture[str]
) -> None:
    """A line that fails to be written does not end in Python's own print of its values."""
    out = spoken("json")
    out.close()
    logging.getLogger("x").error("lost", extra={"where": HOST})
    assert capsys.readouterr().err.startswith("a log line of test_logging:")


def test_speaking_again_replaces_the_handler(spoken: Callable[[Form], io.StringIO]) -> None:
    """Each line is written once, in the form that was asked for last."""
    first, second = spoken("text"), spoken("json")
    logging.getLogger("x").error("once")
    assert (first.getvalue(), len(told("json", second.getvalue()))) == ("", 1)
    assert sum(isinstance(handler, LogLines) for handler in logging.getLogger().handlers) == 1
