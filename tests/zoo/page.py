"""The page of hostile servers: written from one run, read back by its test."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tests.zoo.expected import expected
from tests.zoo.rig import ASK_S, NAME_S, PROFILES, Played, Seen
from waterbed.model.facts import Profile

PAGE = Path(__file__).parents[2] / "docs" / "hostile-servers.md"

_BOUNDS_KIB = (16, 100, 160)
"""A record; a page or a chain of certificates; and a page whose chunks cost as much as it: with what a kernel holds."""

_QUICK_S = 0.9 * ASK_S
_HEAD = f"""\
# Hostile servers

This page lists servers that break, lie or push, with Waterbed's verdict and rule ([method.md](method.md)) after the
first check of one URL. Profiles are named where they differ. Each row is a real server on loopback, checked by a whole
pass. `python -m tests.zoo` writes this page, and a test compares verdicts and rules.

Unless a row says otherwise the check is shorter than its deadline ({NAME_S:g} s for a name, {ASK_S:g} s for a request),
and the kernel takes at most 16 KiB on a connection, handshake included, and no byte past the response head. Bounds of
bytes are coarse, because kernels vary; a page read in profile `text` lies past the head.
"""
_COLUMNS = ("behaviour", "what it does", "conclusion")
_CONCLUSION = re.compile(r"(?:([a-z]+(?:, [a-z]+)*): )?(\w+) `([^`]+)`")


def page(played: Mapping[Profile, Played]) -> str:
    """The page's text from one pass a profile."""
    names = list(next(iter(played.values())).seen)
    kinds = {name: played[PROFILES[0]].seen[name].behaviour.kind for name in names}
    parts = [_HEAD]
    for kind in dict.fromkeys(kinds.values()):
        lines = [_line(_COLUMNS), _line(["---"] * len(_COLUMNS))]
        lines += (
            _line(_cells([p.seen[name] for p in played.values() if name in p.seen]))
            for name in names
            if kinds[name] == kind
        )
        parts.append(f"\n## {kind}\n\n" + "\n".join(lines) + "\n")
    return "".join(parts)


def read_page(text: str) -> Iterator[tuple[str, str, str, str]]:
    """Behaviour, profile, verdict and rule of each row."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == len(_COLUMNS) and cells[0].startswith("`"):
            for profiles, verdict, rule in _CONCLUSION.findall(cells[2]):
                for profile in profiles.split(", ") if profiles else PROFILES:
                    yield cells[0].strip("`"), profile, verdict, rule


def _cells(seen: list[Seen]) -> list[str]:
    """One row; profiles with one conclusion together, unnamed if that is all of them."""
    groups: dict[str, list[Profile]] = {}
    for each in seen:
        groups.setdefault(_conclusion(each), []).append(each.observation.profile)
    named = [
        text if len(profiles) == len(PROFILES) else f"{', '.join(profiles)}: {text}"
        for text, profiles in groups.items()
    ]
    return [f"`{seen[0].behaviour.name}`", _escaped(seen[0].behaviour.does), "; ".join(named)]


def _conclusion(seen: Seen) -> str:
    taken, least = seen.taken, _BOUNDS_KIB[0] * 1024  # a handshake is longer than most heads
    parts = [f"{seen.verdict.outcome} `{seen.verdict.rule}`", _duration(seen)]
    parts += [_size(taken.acked, least)] if taken.acked > least else []
    parts += [f"{_size(max(taken.excess_plain, taken.excess_tls), 2_048)} past the head"] if taken.sent_past else []
    return ", ".join(filter(None, parts))


def came_out(seen: Seen) -> bool:
    """True if a look came to the verdict that its behaviour deserves."""
    verdict = f"{seen.verdict.outcome} {seen.verdict.rule}"
    return verdict == expected(seen.behaviour.name)[seen.observation.profile]


def is_sure(seen: Seen) -> bool:
    """True if a look came to its verdict at once: a busy machine may be why others do not."""
    return came_out(seen) and seen.seconds < _QUICK_S


def _duration(seen: Seen) -> str:
    """In deadlines, so that the page does not depend on the machine; empty below one."""
    if seen.seconds < _QUICK_S and seen.observation.failure != "timeout":
        return ""
    count = max(1, round(seen.seconds / ASK_S))
    return "deadline" if count == 1 else f"{count} deadlines"


def _size(count: int, least: int) -> str:
    """The least bound that holds, in KiB."""
    return next((f"<= {most} KiB" for most in (least // 1024, *_BOUNDS_KIB) if count <= most * 1024), f"{count:,}")


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return re.sub(r"[|<>]", lambda found: f"&#{ord(found.group())};", text)
