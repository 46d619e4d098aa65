"""The secret names: hosts, registrable domains, second-level labels, and how each may be written."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from waterbed.intake.csv_reports import read_csv_reports
from waterbed.intake.csv_table import Rejected
from waterbed.model.urls import is_address, registrable_domain

Kind = Literal["host", "domain", "label"]

MIN_LABEL = 8
"""Shortest second-level label searched for, characters: shorter ones are words of any text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What is searched for. Secret: hits say a name's place in `texts`, never the text."""

    texts: tuple[str, ...]
    kinds: tuple[Kind, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    """How many were left out, by reason."""

    def __repr__(self) -> str:
        """Say how many there are."""
        return f"<Names: {len(self.texts)}>"

    def count(self, kind: Kind) -> int:
        """How many there are of a kind."""
        return self.kinds.count(kind)


def names_of(hosts: Iterable[str]) -> Names:
    """Hosts in canonical spelling, their registrable domains, and the second-level labels of these.

    Left out and counted: addresses (the store keeps addresses in the clear by design), names of one label, and labels
    shorter than MIN_LABEL. A name that is a host and a domain counts as a host.
    """
    left_out: Counter[str] = Counter()
    kinds: dict[str, Kind] = {}
    for host in sorted(set(hosts)):
        if is_address(host):
            left_out["hosts that are addresses"] += 1
        elif "." not in host:
            left_out["hosts of one label"] += 1
        else:
            kinds[host] = "host"
    domains = {registrable_domain(host) for host in kinds}
    for domain in domains:
        kinds.setdefault(domain, "domain")
    for label in {domain.partition(".")[0] for domain in domains}:
        if len(label) < MIN_LABEL:
            left_out[f"labels shorter than {MIN_LABEL} characters"] += 1
        else:
            kinds[label] = "label"
    texts = tuple(sorted(kinds))
    return Names(texts=texts, kinds=tuple(kinds[text] for text in texts), left_out=dict(left_out))


def names_of_feed(path: Path) -> tuple[Names, int]:
    """The names of a reports file, and how many of its lines the intake rejects."""
    hosts: set[str] = set()
    rejected = 0
    for line in read_csv_reports(path):
        if isinstance(line, Rejected):
            rejected += 1
        else:
            hosts.add(line.canonical.host)
    return names_of(hosts), rejected


def patterns(text: str, kind: Kind) -> Iterator[tuple[str, bytes]]:
    """Every way in which a name is written without an encoding on top: (form, bytes, ASCII letters lowered).

    UTF-16 of either byte order holds the characters with a NUL between them, so one pattern finds both.
    """
    yield "plain", text.encode().lower()
    yield "utf-16", "\0".join(text).encode().lower()
    shown = to_unicode(text)
    for spelled in sorted({shown, shown.upper()}) if shown != text else ():
        yield "unicode", spelled.encode().lower()
        yield "utf-16 unicode", spelled.encode("utf-16-le").lower()
        yield "utf-16 unicode", spelled.encode("utf-16-be").lower()
    if kind != "label":
        yield "dns", dns_wire(text)
        yield "reversed", text.encode().lower()[::-1]
        yield "labels reversed", ".".join(reversed(text.split("."))).encode().lower()


def to_unicode(text: str) -> str:
    """The name with its punycode labels as people read them."""
    labels = []
    for label in text.split("."):
        try:
            labels.append(label[4:].encode().decode("punycode") if label.startswith("xn--") else label)
        except UnicodeError:
            labels.append(label)
    return ".".join(labels)


def dns_wire(text: str) -> bytes:
    """The name as a DNS message has it, each label behind its length; without the root, which a pointer may replace."""
    return b"".join(bytes([len(label)]) + label for label in text.lower().encode().split(b"."))
