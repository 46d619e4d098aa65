"""Logs, crashes and warnings tell places and ids, never what an error or a library says."""

import io
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.crawler.logs import QuietFormatter, place_of, redact_failures
from waterbed.model.errors import InputError
from waterbed.model.redaction import REDACTED, names_something, redact

HOST = "login.quarzfelsen-bank.co.uk"
LOGGERS = ("waterbed.x", "waterbed.crawler.recheck.session", "waterbed.attribution", "sqlalchemy.engine", "alembic",
           "httptools", "asyncio", "scrapy.core.engine", "twisted", "py.warnings", "recheck", "whatever",
           "root")  # fmt: skip
ROOT = Path(__file__).parents[2]


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """All that any logger says, redacted, through an ordinary formatter."""
    redact_failures()
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)


@pytest.mark.parametrize("name", LOGGERS)
def test_no_logger_tells_what_an_error_says(name: str, said: io.StringIO) -> None:
    """Messages, arguments, tracebacks and stacks of every logger, its own text with them."""
    logger = logging.getLogger(name)
    try:
        raise KeyError(f"http://{HOST}/secret-path")
    except KeyError as problem:
        logger.exception("it broke at secret-path")
        logger.error("it broke: %s", problem)
        logger.error("it broke: %(what)r", {"what": problem})
        logger.error(f"it broke: {problem}", exc_info=problem, stack_info=True)
    logger.error("asked http://%s/x%s", HOST, "?secret-path")
    logger.error("%s and %s", HOST, {"url": f"https://{HOST}:8443/secret-path"})
    logger.error("wrong %d", HOST)
    text = said.getvalue()
    assert text.count("ERROR") == 7
    assert "quarzfelsen" not in text
    assert "secret-path" not in text
    assert "Traceback" not in text
    assert "KeyError at test_logs:" in text


def test_a_sentence_of_ours_is_kept_without_its_addresses(said: io.StringIO) -> None:
    """What a person has to do is readable where Scrapy logs a failure of ours; a host name in it is not."""
    try:
        raise InputError(f"no study given for {HOST}; call: scrapy crawl recheck -a study=DIR")
    except InputError:
        logging.getLogger("asyncio").exception("Task exception")
    text = said.getvalue()
    assert "call: scrapy crawl recheck -a study=DIR" in text
    assert HOST not in text


def test_without_redaction_they_would(said: io.StringIO) -> None:
    """The same record, made and formatted as Python does it, tells everything: the tests look at the right place."""
    try:
        raise KeyError(HOST)
    except KeyError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "at %s", (HOST,), sys.exc_info())
    assert logging.Formatter().format(record).count(HOST) == 2
    quiet = QuietFormatter("%(name)s %(message)s").format(record)
    assert quiet.startswith(f"x at {REDACTED}")
    assert "KeyError at test_logs:" in quiet
    assert HOST not in quiet


def test_own_lines_keep_ids_numbers_and_places(said: io.StringIO) -> None:
    """What is no address stays readable."""
    line = "host %s failed: %s; 3.5 s, 28.1.2.3, 2001:db8::1, 28.1.0.0/20, Waterbed/0.1.0, lease 12:30:15.123"
    try:
        raise ValueError
    except ValueError as problem:
        logging.getLogger("waterbed.crawler.recheck.session").error(line, "0123456789abcdef" * 2, place_of(problem))
    assert "0123456789abcdef" * 2 in said.getvalue()
    assert REDACTED not in said.getvalue()
    assert "ValueError at test_logs:" in said.getvalue()
    assert place_of(None) == "a failure without a cause"


@pytest.mark.parametrize(
    "text",
    [
        "http://{}/x", "HTTPS://{}", "hxxp://{}/", "hxxp[://]{}/", "h**p://{}", "ftp://u:p@{}/", "http%3A%2F%2F{}%2F",
        "{}", "{}.", "'{}'", "<{}>", "({})", "user@{}", "{}:443", "{}/path", "www.{}", "{}.log", "x={},", "{}_1",
        "http:\\/\\/{}\\/x", "[{}]",
        "{}-2026.csv", "{}2.csv", "{}-x", "{}2", "export-{}-1-2.tar.gz",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "host",
    [
        HOST, HOST.upper(), HOST.replace(".", "[.]"), HOST.replace(".", "(dot)"), HOST.replace(".", "%2E"),
        "xn--bcher-kva.example.com", "bücher.de", "пример.рф", "a.github.io", "t.co", "例え。コム",
    ],
)  # fmt: skip
def test_whatever_looks_like_an_address_is_replaced(text: str, host: str) -> None:
    """URLs and names below a public suffix, in every usual spelling and surrounding."""
    shown = redact(f"asked {text.format(host)} 3 times")
    assert REDACTED in shown
    assert shown.startswith("asked ")
    assert shown.endswith("3 times")
    for label in ("quarzfelsen", "bcher", "bücher", "пример", "t.co", "github", "コム"):
        assert label.lower() not in shown.lower()


@pytest.mark.parametrize("text", ["http://28.1.2.3/x", "28.1.2.3/login", "28.1.2.3:80/x", "[2001:db8::1]:80/x?y"])
def test_paths_on_addresses_are_replaced(text: str) -> None:
    """An address with a path is a reported URL."""
    assert redact(f"at {text} ok") == f"at {REDACTED} ok"


@given(st.text(max_size=200))
def test_redaction_takes_any_text_and_is_done_once(text: str) -> None:
    """It never fails, and what it leaves holds nothing more to replace."""
    once = redact(text)
    assert redact(once) == once
    assert names_something(f"{text} http://{HOST}/")


def test_redaction_is_linear() -> None:
    """Long runs of letters, dots and dashes do not make it slow: these would take hours otherwise."""
    for part in ("a", "a.", "a-", "http:", "1.1.1.1", "[.]", "%2e", ":/", "_", "[" * 3):
        redact(part * 100_000)


CRASH = """
import asyncio, sys, threading, warnings, logging, resource
from waterbed.crawler.logs import no_core_dumps, quiet_crashes, redact_failures
redact_failures(); quiet_crashes(); no_core_dumps()
assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
secret = "http://login.quarzfelsen-bank.co.uk/secret-path"
def bug(*_):
    raise ValueError(secret)
thread = threading.Thread(target=bug); thread.start(); thread.join()
class Dies:
    def __del__(self): bug()
Dies()
warnings.warn(f"look at {secret}")
async def forgotten():
    loop = asyncio.get_running_loop()
    loop.call_soon(bug, secret)
    task = asyncio.create_task(named(secret))
    await asyncio.sleep(0.01)
    del task
    loop.call_exception_handler({"message": "odd", "what": secret})
async def named(what):
    raise RuntimeError(what)
asyncio.run(forgotten(), debug=True)
bug()
"""


def test_what_nobody_caught_tells_class_and_place_alone() -> None:
    """Main thread, other threads, finalizers, event loop and warnings: class, file and line, and no core image."""
    done = subprocess.run(
        [sys.executable, "-c", CRASH], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "quarzfelsen" not in done.stdout + done.stderr
    assert "secret-path" not in done.stdout + done.stderr
    for line in ("a thread failed: ValueError at <string>:", "failed where nobody could be told: ValueError at",
                 "UserWarning at <string>:", "waterbed failed: ValueError at <string>:"):  # fmt: skip
        assert line in done.stderr, done.stderr
    assert done.stderr.count("failure told by base_events") == 2, done.stderr


def test_hooks_are_python_s_own_in_this_process() -> None:
    """The tests above leave nothing behind here."""
    assert sys.excepthook is sys.__excepthook__ or "pytest" in repr(sys.excepthook)
    assert threading.excepthook is not None
    assert warnings.showwarning.__module__ != "waterbed.crawler.logs"
