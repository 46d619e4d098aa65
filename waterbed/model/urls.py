"""Canonical URLs and hosts, so that each has one id."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from ipaddress import ip_address, ip_network
from pathlib import Path

import ada_url
from publicsuffixlist import PublicSuffixList

from waterbed.model.errors import BadUrl

SPELLING = f"2+ada-url.{version('ada-url')}"
"""Version of the rules below and of the parser beneath them: stored with each id made by them."""

PLATFORM_LIST = "1"
"""Version of `platforms.txt`, our own suffixes of platforms: another list is another version."""

SUFFIX_LIST = f"{version('publicsuffixlist')}+platforms.{PLATFORM_LIST}"
"""Version of the Public Suffix List in use, whose last number is its date, and of our own list beside it."""

MAX_URL = 16_384
"""Longest address accepted, characters: as it is written, and in canonical spelling."""

_SCHEME = re.compile(r"^h(?:xx|tt|\*\*)p(s?)(?:\[://\]|\[:\]//|:\[//\]|://)", re.IGNORECASE)
_AUTHORITY = re.compile(r"[^:/?#\\]*://[^/?#\\]*")
_DOTS = re.compile(r"\s?(?:\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\[,\])\s?", re.IGNORECASE)


@cache
def _all_suffixes() -> PublicSuffixList:
    """The Public Suffix List, read at first use.

    Most commands never use it.
    """
    return PublicSuffixList()


@dataclass(frozen=True, slots=True, kw_only=True)
class CanonicalUrl:
    """A URL in canonical spelling, in parts.

    Secret: never log it.
    """

    url: str
    scheme: str
    host: str
    port: int
    target: str
    literal: bool

    def __repr__(self) -> str:
        """Say nothing of the URL: reprs end up in tracebacks."""
        return "<Canonical URL>"

    @property
    def authority(self) -> str:
        """The Host header's value."""
        return _authority(self.scheme, self.host, self.port)


def _authority(scheme: str, host: str, port: int) -> str:
    host = f"[{host}]" if ":" in host else host
    return host if port == (443 if scheme == "https" else 80) else f"{host}:{port}"


def refang(text: str) -> str:
    """Undo the common ways of making a URL unclickable, in scheme and host: in a path the same signs are its own."""
    text = text.strip()
    if not text.startswith(("http://", "https://")):
        text = _SCHEME.sub(r"http\1://", text)
    if "[" not in text and "(" not in text and "{" not in text:
        return text
    found = _AUTHORITY.match(text)
    return text if found is None else _DOTS.sub(".", found[0]) + text[found.end() :]


def canonicalize(text: str) -> CanonicalUrl:
    """Give the canonical spelling of a reported address.

    Follows the WHATWG URL standard; user information and fragment are dropped, a host's trailing dot too. What it
    gives is its own canonical spelling. Raises BadUrl, whose message never repeats the address.
    """
    if len(text) > MAX_URL:
        raise BadUrl(f"address of {len(text)} characters; at most {MAX_URL} are accepted")
    if "\x00" in text:
        raise BadUrl("address contains a NUL character")
    given, text = text, refang(text)
    if not text:
        raise BadUrl("address is empty")
    if "://" not in text[:12]:
        raise BadUrl("address lacks an http:// or https:// scheme")
    try:
        href = ada_url.normalize_url(text)
    except (ValueError, UnicodeError, TypeError):
        raise BadUrl("address is not a URL by the WHATWG standard") from None
    # of the standard's own spelling each part ends where the next begins: one call in place of six
    scheme, _, rest = href.partition("://")
    if scheme not in ("http", "https"):
        raise BadUrl("address has a scheme other than http or https")
    authority, _, path = rest.partition("#")[0].partition("/")
    named = authority.rpartition("@")[2]
    host, _, digits = named.rpartition(":") if ":" in named.rpartition("]")[2] else (named, "", "")
    host = host.rstrip(".")
    literal = host.startswith("[") or is_address(host)
    host = host.strip("[]")
    if len(host) > 253 or not ((literal and host) or _labelled(host)):
        raise BadUrl("address has an empty or overlong host name")
    port = int(digits or (443 if scheme == "https" else 80))
    target = f"/{path[:-1] if path.find('?') == len(path) - 1 else path}"  # an empty query is none
    url = f"{scheme}://{_authority(scheme, host, port)}{target}"
    if len(url) > MAX_URL:  # escapes make it up to nine times as long
        raise BadUrl(f"address of {len(url)} characters in canonical spelling; at most {MAX_URL} are accepted")
    if url != given and not _stable(url):
        raise BadUrl("address whose canonical spelling would be read as another address")
    return CanonicalUrl(url=url, scheme=scheme, host=host, port=port, target=target, literal=literal)


def _stable(url: str) -> bool:
    """True if a spelling is read as itself: `[[.]]` becomes `[.]`, and the host `h.1..` no host at all."""
    try:
        return refang(url) == url and bool(ada_url.normalize_url(url) == url)
    except ValueError:
        return False


def host_in(url: str) -> str:
    """The host in a canonical URL, however long that is."""
    authority = url.partition("://")[2].partition("/")[0]
    return authority.partition("]")[0].removeprefix("[") if authority[:1] == "[" else authority.partition(":")[0]


def _labelled(host: str) -> bool:
    """True if each label has 1 to 63 characters."""
    lengths = list(map(len, host.split(".")))
    return min(lengths) > 0 and max(lengths) <= 63


def is_address(host: str) -> bool:
    """True if a host is an address literal, without brackets."""
    if ":" not in host and not host[:1].isdigit():
        return False  # said at once for nearly every host there is
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=2048)
def registrable_domain(host: str) -> str:
    """The registrable domain of a host, else the host.

    The public suffix, or a platform's, plus one label.
    """
    if ":" in host or is_address(host):
        return host
    if suffix := _listed_platform(host):
        return f"{host[: -len(suffix) - 1].rpartition('.')[2]}.{suffix}"
    return _all_suffixes().privatesuffix(host) or host


@lru_cache(maxsize=2048)
def platform_suffix(host: str) -> str | None:
    """The suffix of a name's platform, if any.

    The private part of the Public Suffix List names platforms that give each customer a name of their own, and
    `platforms.txt` some that it does not have.
    """
    if ":" in host or is_address(host):
        return None
    if listed := _listed_platform(host):
        return listed
    suffix: str | None = _all_suffixes().publicsuffix(host)
    if suffix is None or suffix == host or suffix == _icann_suffixes().publicsuffix(host):
        return None
    return suffix


def own_names(names: Collection[str], host: str) -> bool:
    """True if a certificate is for one domain alone.

    The host is among them, no wildcard is, and the domain is no platform's.
    """
    if host not in names or platform_suffix(host) is not None or any(name.startswith("*") for name in names):
        return False
    return len(set(map(registrable_domain, names))) == 1


def _listed_platform(host: str) -> str | None:
    """The suffix in our own list, if any."""
    listed, rest = _platforms(), host
    while "." in rest:
        rest = rest.partition(".")[2]
        if rest in listed:
            return rest
    return None


@cache
def _platforms() -> frozenset[str]:
    """Our own list of platforms, read at first use."""
    lines = Path(__file__).with_name("platforms.txt").read_text(encoding="ascii").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


@cache
def _icann_suffixes() -> PublicSuffixList:
    """The Public Suffix List without its private part.

    Read at first use; a pass seldom needs it.
    """
    return PublicSuffixList(only_icann=True)


@lru_cache(maxsize=2048)
def in_suffix_list(host: str) -> bool:
    """True if a name ends in a known public suffix.

    It could be a host's.
    """
    return _all_suffixes().publicsuffix(host, accept_unknown=False) is not None


@lru_cache(maxsize=2048)
def is_public_suffix(name: str) -> bool:
    """True if anybody may register names below a name."""
    return bool(_all_suffixes().publicsuffix(name) == name)


SPECIAL_USE = ("alt", "home.arpa", "i2p", "internal", "invalid", "local", "localhost", "onion")
"""Suffixes that are never asked for: no name of the public DNS lies below them, and a query tells others the name.

RFC 6761, 6762, 7686, 8375 and 9476, ICANN's reservation of `internal`, and I2P's own suffix. `test` and `example` are
left to the resolver, as RFC 6761 has it.
"""


def special_use(host: str, suffixes: Collection[str] = SPECIAL_USE) -> bool:
    """True for a name that is never asked for."""
    labels = host.lower().removesuffix(".").split(".")
    return any(".".join(labels[at:]) in suffixes for at in range(len(labels)))


def same_place(before: CanonicalUrl, after: CanonicalUrl) -> bool:
    """True if two URLs differ only slightly.

    Only in scheme, `www.` or trailing slash.
    """
    plain = [(s.host.removeprefix("www."), s.target.rstrip("/")) for s in (before, after)]
    ports = before.port == after.port or {before.port, after.port} == {80, 443}
    return plain[0] == plain[1] and ports


_FRONT = re.compile(r"/((index|default)\.[a-z]{2,5})?", re.IGNORECASE)
"""Paths of front pages: the root and its index documents."""


def leads_to_front(before: CanonicalUrl, after: CanonicalUrl) -> bool:
    """True if a redirect from one URL to another ends at the site's front page.

    It is that of the same host or of its registrable domain, with `www.` or without; a query is another page. A front
    page that redirects to itself in another spelling leads nowhere.
    """
    hosts = (before.host.removeprefix("www."), registrable_domain(before.host))
    return (
        after.host.removeprefix("www.") in hosts
        and after.port in (80, 443, before.port)
        and _FRONT.fullmatch(after.target) is not None
        and _FRONT.fullmatch(before.target.partition("?")[0]) is None
    )


@lru_cache(maxsize=2048)
def network_of(address: str) -> str:
    """The network of an address: IPv4 /24, IPv6 /48."""
    return str(ip_network(f"{address}/{48 if ':' in address else 24}", strict=False))
