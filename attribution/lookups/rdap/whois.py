"""WHOIS, read by ipwhois: the optional fallback for RDAP."""

import socket
import time
from ipaddress import ip_address
from typing import Any

from ipwhois.net import Net
from ipwhois.whois import Whois

from waterbed.attribution.lookups.rdap.answers import Registered, plain
from waterbed.attribution.lookups.rdap.bootstrap import in_order
from waterbed.store.bounded.limits import MOST_WHOIS

_NAMES = {"ripe": "ripencc"}
"""Names of registries in ipwhois, where they differ."""

_QUERIES = {"arin": "n + {}", "ripe": "-r {}", "ripencc": "-r {}"}
"""Queries of registries that take more than the address."""

_FIELDS = ["name", "handle", "country"]


def ask_whois(address: str, registry: str, *, server: str, timeout_s: float, port: int = 43) -> Registered | None:
    """Query a registry's WHOIS once (blocking); None if useless."""
    try:
        text = _answer(_QUERIES.get(registry, "{}").format(address), (server, port), timeout_s)
    except OSError:
        return None
    return read_whois(text, address, registry)


def _answer(query: str, server: tuple[str, int], timeout_s: float) -> str:
    """The answer to a query, its first MOST_WHOIS bytes. The library would read on as long as a server sends."""
    ends, data = time.monotonic() + timeout_s, b""
    with socket.create_connection(server, timeout_s) as connection:
        connection.sendall(f"{query}\r\n".encode())
        while len(data) < MOST_WHOIS:
            connection.settimeout(max(0.001, ends - time.monotonic()))
            piece = connection.recv(MOST_WHOIS - len(data))
            if not piece:
                break
            data += piece
    return data.decode("ascii", "ignore")


def read_whois(text: str, address: str, registry: str) -> Registered | None:
    """The smallest network around an address in a WHOIS answer.

    Without holder, since WHOIS gives names of people.
    """
    try:
        about = {"asn_registry": _NAMES.get(registry, registry)}
        parser = Whois(Net(address))
        # offline: else the library asks once more by itself, whatever it is given
        read = parser.lookup(response=text[:MOST_WHOIS], asn_data=about, field_list=_FIELDS, is_offline=True)
        nets: list[dict[str, Any]] = read["nets"]
    except Exception:  # the library's parser on whatever text came
        return None
    number, matches = int(ip_address(address)), []
    for net in nets:
        first, _, last = str(net.get("range") or "").partition("-")
        ends = in_order(first.strip(), last.strip())
        if ends and ends[1] <= number <= ends[2]:
            matches.append((ends[2] - ends[1], ends, net))
    if not matches:
        return None
    _, (_, low, high), net = min(matches, key=lambda entry: entry[0])
    kind, country = type(ip_address(address)), plain(net.get("country")) or ""
    return Registered(
        first=str(kind(low)),
        last=str(kind(high)),
        handle=plain(net.get("handle")) if registry == "arin" else None,  # elsewhere it is a person's
        parent_handle=None,
        name=plain(net.get("name")),
        allocation=None,
        country=country.upper() if len(country) == 2 and country.isalpha() and country.isascii() else None,
        holder=None,
        holder_name=None,
        abuse=None,
        up=None,
    )
