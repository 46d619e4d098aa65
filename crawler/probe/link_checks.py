"""Link checks: hosters' endpoints that say if a file exists.

An adapter is data, `link-checks.toml` in the study folder (docs/link-checks.md): which hosts, which path names the
file, and which path of the same registrable domain is requested in place of the file. By HEAD, which is the rule, the
status of the response counts. GET, POST and the reading of an answer need an authorisation on record.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import msgspec

from waterbed.crawler.net.http import Request
from waterbed.crawler.net.response import ANSWER_MOST
from waterbed.crawler.probe.link_words import decoded, said_by_row, said_by_whole
from waterbed.model.errors import BadUrl, InputError
from waterbed.model.plugins import DataFile, named
from waterbed.model.redaction import names_something
from waterbed.model.urls import CanonicalUrl, canonicalize, registrable_domain
from waterbed.store.bounded.toml import decode, toml_bytes

LINK_CHECKS = "link-checks.toml"
SHIPPED = Path(__file__).parent / LINK_CHECKS
"""Examples, disabled."""
SEE = "docs/link-checks.md"

_CHOICES: Final = {"method": ("HEAD", "GET", "POST"), "words": ("row", "whole"), "empty": (None, "exists", "missing")}
_LONGEST = 200
_VISIBLE = re.compile(r"[!-~]*")
"""All that may stand in the first line of a request: another line could be a request that nobody authorised."""
_GROUP = re.compile(r"\{(\d)\}")
_URL = "{url}"


class _Entry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    name: str
    suffix: str
    path: str
    ask: str
    host: str | None = None
    method: str = "HEAD"
    form: dict[str, str] = {}
    body_limit: int = 0
    exists: tuple[int, ...] | None = None
    missing: tuple[int, ...] | None = None
    empty: str | None = None
    words: str = "row"
    exists_words: tuple[str, ...] = ()
    missing_words: tuple[str, ...] = ()
    known: str | None = None
    example: str | None = None
    enabled: bool = True
    allow_in_strict: bool = False
    authorised: str = ""


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    link_check: tuple[_Entry, ...] = ()
    plugins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCheck:
    """One hoster's endpoint and the meaning of its answers."""

    name: str
    suffix: str
    path: re.Pattern[str]
    ask: str
    host: str | None
    exists: frozenset[int] = frozenset()
    missing: frozenset[int] = frozenset()
    """Statuses, where no body is read."""
    method: str = "HEAD"
    form: Mapping[str, str] | None = None
    body_limit: int = 0
    empty: str | None = None
    """The meaning of a whole answer of no bytes."""
    words: str = "row"
    """Where a word counts: in the HTML row of the URL, or alone."""
    exists_words: tuple[str, ...] = ()
    missing_words: tuple[str, ...] = ()
    known: str | None = None
    """Path of a file that is known to be there."""
    example: str | None = None
    """A made-up path of such a file."""
    enabled: bool = True
    authorised: str = ""
    """By whom, and when, if more than HEAD is sent."""
    definition: str = ""
    """Hash of the definition: another one needs another authorisation."""

    @property
    def beyond_head(self) -> bool:
        """True if it needs an authorisation."""
        return self.method != "HEAD" or self.body_limit > 0

    def url_for(self, canonical: CanonicalUrl) -> CanonicalUrl | None:
        """Return the endpoint's URL for a file.

        None if the URL is not a file of this hoster.
        """
        if canonical.host != self.suffix and not canonical.host.endswith(f".{self.suffix}"):
            return None
        match = self.path.search(canonical.target)
        if not match:
            return None
        target = _filled(self.ask, match)
        if self.host is None:
            return replace(canonical, target=target)
        try:
            endpoint = canonicalize(f"https://{self.host}{target}")
        except BadUrl:
            return None
        return endpoint if registrable_domain(endpoint.host) == registrable_domain(canonical.host) else None

    def request_for(self, canonical: CanonicalUrl) -> Request:
        """Return the request about a file.

        ValueError for any other URL.
        """
        form = {
            name: _filled(value, self._match(canonical), canonical.url) for name, value in (self.form or {}).items()
        }
        return Request(
            method=self.method,
            most=self.body_limit,
            form=urlencode(form).encode() if form else None,
            answer=self.body_limit > 0,
        )

    def file_exists(self, status: int | None) -> bool | None:
        """True if a status means that the file exists.

        None if unclear.
        """
        return True if status in self.exists else False if status in self.missing else None

    def answer_means(self, canonical: CanonicalUrl, body: bytes | None, content_type: str) -> bool | None:
        """True if a whole answer means that the file exists.

        None if unclear. `body` is None where the answer was not whole, or not a text.
        """
        if body is None:
            return None
        if not body:
            return None if self.empty is None else self.empty == "exists"
        text = decoded(body, content_type)
        if text is None:
            return None
        match = self._match(canonical)
        exists, missing = ([_filled(w, match) for w in phrases] for phrases in (self.exists_words, self.missing_words))
        if self.words == "whole":
            return said_by_whole(text, exists, missing)
        return said_by_row(text, canonical.url, exists, missing)

    def _match(self, canonical: CanonicalUrl) -> re.Match[str]:
        match = self.path.search(canonical.target)
        if not match:
            raise ValueError(f"not a file of link check {self.name}")
        return match


def _filled(text: str, match: re.Match[str], url: str = "") -> str:
    """Put groups, and the URL, into their places."""
    return re.sub(r"\{(\d|url)\}", lambda part: url if part[1] == "url" else match.group(int(part[1])) or "", text)


def shipped_text() -> str:
    """Return the file of examples."""
    return toml_bytes(SHIPPED, "a file of link checks", SEE).decode()


def read_link_checks(folder: Path) -> tuple[LinkCheck, ...]:
    """Read the study's enabled link checks.

    None without a file. Its own come first, then those of the plug-ins that it names. InputError for a file that cannot
    be used.
    """
    path = folder / LINK_CHECKS
    return tuple(check for check in link_checks_in(path) if check.enabled) if path.exists() else ()


def link_checks_in(path: Path) -> tuple[LinkCheck, ...]:
    """Read all link checks of a file, and its plug-ins'.

    InputError for a file that cannot be used.
    """
    main_file = _read(path)
    files = [
        named("link_checks", DataFile, {}, name, f"{path}: plugins", "docs/plugins.md") for name in main_file.plugins
    ]
    checks = tuple(
        _checked(entry, file_path)
        for file_path in (path, *(file.path for file in files))
        for entry in _read(file_path).link_check
    )
    for number, check in enumerate(checks):
        if check.name in {other.name for other in checks[:number]}:
            raise InputError(f"{path}: link check {check.name!r}: two have this name, another one was expected ({SEE})")
    return checks


def _read(path: Path) -> _File:
    try:
        return decode(toml_bytes(path, "a file of link checks", SEE), type=_File)
    except msgspec.DecodeError as problem:
        raise InputError(f"{path}: {problem} ({SEE})") from None


def _checked(entry: _Entry, path: Path) -> LinkCheck:
    try:
        pattern = re.compile(entry.path)
    except re.error as problem:
        raise InputError(f"{path}: link check {entry.name}: path {entry.path!r}: {problem} ({SEE})") from None
    suffix = entry.suffix.lower().strip(".")
    for mistake in _mistakes(entry, pattern, suffix):
        raise InputError(f"{path}: link check {entry.name}: {mistake} ({SEE})")
    check = LinkCheck(
        name=entry.name,
        suffix=suffix,
        path=pattern,
        ask=entry.ask,
        host=entry.host,
        exists=frozenset() if entry.body_limit else frozenset(_EXISTS if entry.exists is None else entry.exists),
        missing=frozenset() if entry.body_limit else frozenset(_MISSING if entry.missing is None else entry.missing),
        method=entry.method,
        form=entry.form or None,
        body_limit=entry.body_limit,
        empty=entry.empty,
        words=entry.words,
        exists_words=entry.exists_words,
        missing_words=entry.missing_words,
        known=entry.known,
        example=entry.example,
        enabled=entry.enabled,
        authorised=entry.authorised,
        definition=blake2b(msgspec.json.encode(entry), digest_size=16).hexdigest(),
    )
    for key, target in (("known", entry.known), ("example", entry.example)):
        if target is not None and not _is_file(check, target):
            raise InputError(
                f"{path}: link check {entry.name}: {key} {target!r}: a path that begins with / and fits path was "
                f"expected ({SEE})"
            )
    return check


_EXISTS = (200, 204)
_MISSING = (404, 410)


def _mistakes(entry: _Entry, pattern: re.Pattern[str], suffix: str) -> Iterator[str]:
    """The mistakes of an entry, each with its value and what was expected."""
    for key, choices in _CHOICES.items():
        if (value := getattr(entry, key)) not in choices:
            yield f"{key} {value!r}: {' or '.join(filter(None, choices))} was expected"
    if names_something(entry.name) or not entry.name.isprintable() or not 0 < len(entry.name) <= _LONGEST:
        yield "name: a short text that is no host name was expected, as it is kept in the clear"
    for key in ("ask", "known", "example"):
        if not _VISIBLE.fullmatch(getattr(entry, key) or ""):
            yield f"{key} {getattr(entry, key)!r}: visible characters of ASCII were expected"
    texts = (entry.ask, *entry.form.values())
    parts = {int(part) for text in (*texts, *entry.exists_words, *entry.missing_words) for part in _GROUP.findall(text)}
    if not suffix or not entry.ask.startswith("/") or max(parts, default=0) > pattern.groups or 0 in parts:
        yield "a suffix, and an ask that begins with / and names only groups of path, were expected"
    if not pattern.groups or not any(_GROUP.search(text) or _URL in text for text in texts):
        yield (
            f"path {entry.path!r}: a group that names the file was expected, and its place, {{1}} or {{url}}, in ask "
            "or form"
        )
    if _URL in entry.ask:
        yield f"ask {entry.ask!r}: groups of path were expected; {{url}} is for form"
    if sum(value.count(_URL) for value in entry.form.values()) > 1:
        yield f"form {entry.form!r}: one {{url}} was expected, as one URL is asked a request"
    if (entry.method == "POST") != bool(entry.form):
        yield f"method {entry.method!r} with form {entry.form!r}: POST with a form was expected, or neither"
    if not 0 <= entry.body_limit <= ANSWER_MOST or (entry.method == "HEAD" and entry.body_limit):
        yield (
            f"body_limit {entry.body_limit} with method {entry.method!r}: 0 to {ANSWER_MOST:,} bytes with GET or POST, "
            "and 0 with HEAD, were expected"
        )
    yield from _meaning_mistakes(entry)
    if entry.enabled and (entry.method != "HEAD" or entry.body_limit):
        yield from _authorisation_mistakes(entry)


def _meaning_mistakes(entry: _Entry) -> Iterator[str]:
    word_lists = (entry.exists_words, entry.missing_words)
    if not entry.body_limit:
        if entry.empty or any(word_lists):
            yield "empty or words with body_limit 0: exists and missing, statuses of the response, were expected"
        if set(entry.exists or _EXISTS) & set(entry.missing or _MISSING):
            yield "a status cannot mean both there and missing"
        return
    if entry.exists is not None or entry.missing is not None:
        yield "exists or missing with a body_limit: an answer that is read counts with status 200 alone"
    meanings = {"exists" if word_lists[0] else None, "missing" if word_lists[1] else None, entry.empty}
    if not {"exists", "missing"} <= meanings:
        yield (
            f"body_limit {entry.body_limit}: what means there and what means missing were expected, by empty, "
            "exists_words and missing_words"
        )
    if any(word != " ".join(word.split()) or not word for word_list in word_lists for word in word_list) or set(
        word_lists[0]
    ) & set(word_lists[1]):
        yield "exists_words and missing_words: texts without outer spaces were expected, none in both"
    if entry.words == "row" and any(word_lists) and not any(_URL in value for value in entry.form.values()):
        yield "words = 'row' finds the URL's own row, so a form that sends {url} was expected; else words = 'whole'"


def _authorisation_mistakes(entry: _Entry) -> Iterator[str]:
    asks = f"method {entry.method!r} with body_limit {entry.body_limit}"
    if not entry.allow_in_strict:
        yield f"{asks}: allow_in_strict = true was expected, as this is more than HEAD"
    if mistake := authorisation_mistake(entry.authorised):
        yield f"{asks}, authorised {mistake}"


def authorisation_mistake(text: str) -> str | None:
    """Return the mistake in `who, when`, or None."""
    by, _, when = text.rpartition(",")
    try:
        date.fromisoformat(when.strip())
    except ValueError:
        by = ""
    if names_something(text):
        return "holds what looks like an address or a host name, as an account or a title was expected: it is on record"
    if not by.strip() or not text.isprintable() or len(text) > _LONGEST:
        return f"{text[:_LONGEST]!r}: 'who, when' was expected, as in 'The board, 2026-01-05'"
    return None


def _is_file(check: LinkCheck, target: str) -> bool:
    try:
        return target.startswith("/") and check.url_for(canonicalize(f"https://{check.suffix}{target}")) is not None
    except BadUrl:
        return False


def link_check_for(checks: Iterable[LinkCheck], canonical: CanonicalUrl) -> tuple[LinkCheck, CanonicalUrl] | None:
    """Return the first link check that matches, and its URL."""
    for check in checks:
        endpoint = check.url_for(canonical)
        if endpoint is not None:
            return check, endpoint
    return None
