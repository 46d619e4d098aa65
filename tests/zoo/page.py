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

What a look makes of servers that break, lie or push. Every line is a real server on loopback that is looked at by a
whole pass: lease, name look-up, guard, probe, record, judge. The table is written by `python -m tests.zoo`, and a test
fails when the product and this page disagree in a verdict or a rule.

How to read it:

- **verdict** and **rule** are those of [method.md](method.md) after the first look, for one URL on a fresh host; what
  needs more looks (confirmation, a second network) is not in it. Where the profiles differ, each is named.
- **seen** is the phase and failure, or the status, that was recorded.
- **seconds** are those of the whole look, name look-up and control look included. The zoo's deadlines are short:
  {NAME_S:g} s a name look-up, {ASK_S:g} s a request; `deadline` means that one of them ended it, `2 deadlines` that two
  did; `at once` is anything quicker.
- **bytes** are the most that the kernel of the looking machine took on one connection, as the server's kernel counted
  them (`TCP_INFO`), handshake and all; past the head in brackets, where the server sent anything there. What the kernel
  takes of it varies from run to run, so these are coarse bounds, and the page is the same wherever it is made. What is
  read of a page in profile `text` is counted as past the head.
"""
_COLUMNS = ("behaviour", "what it does", "profile", "seen", "verdict", "rule", "seconds", "bytes (past the head)")


def page(played: Mapping[Profile, Played]) -> str:
    """The page's text from one pass a profile."""
    names = list(next(iter(played.values())).seen)
    kinds = {name: played[PROFILES[0]].seen[name].behaviour.kind for name in names}
    parts = [_HEAD]
    for kind in dict.fromkeys(kinds.values()):
        lines = [_line(_COLUMNS), _line(["---"] * len(_COLUMNS))]
        for name in names:
            if kinds[name] == kind:
                lines += (_line(cells) for cells in _rows([p.seen[name] for p in played.values() if name in p.seen]))
        parts.append(f"\n## {kind}\n\n" + "\n".join(lines) + "\n")
    return "".join(parts)


def read_page(text: str) -> Iterator[tuple[str, str, str, str]]:
    """Behaviour, profile, verdict and rule of each row."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == len(_COLUMNS) and cells[0].startswith("`"):
            for profile in PROFILES if cells[2] == "all" else cells[2].split(", "):
                yield cells[0].strip("`"), profile, cells[4], cells[5].strip("`")


def _rows(seen: list[Seen]) -> Iterator[list[str]]:
    """One row for all profiles in which the cells are equal."""
    groups: dict[tuple[str, ...], list[Seen]] = {}
    for each in seen:
        groups.setdefault(tuple(_cells(each)), []).append(each)
    for cells, group in groups.items():
        same = [each.observation.profile for each in group]
        profiles = "all" if len(same) == len(PROFILES) else ", ".join(same)
        behaviour = group[0].behaviour
        yield [f"`{behaviour.name}`", _escaped(behaviour.does), profiles, *cells]


def _cells(seen: Seen) -> list[str]:
    look, verdict = seen.observation, seen.verdict
    what = f"{look.phase}: {look.failure}" if look.failure else f"{look.status}"
    past = max(seen.taken.excess_plain, seen.taken.excess_tls)
    least = 16_384 if callable(seen.behaviour.https) else 4_096  # a handshake is longer than most heads
    size = _size(seen.taken.acked, least) if seen.taken.sent else "0"
    size += f" ({_size(past, 2_048)})" if seen.taken.sent_past else ""
    return [_escaped(what), verdict.outcome, f"`{verdict.rule}`", _duration(seen), size]


def came_out(seen: Seen) -> bool:
    """True if a look came to the verdict that its behaviour deserves."""
    verdict = f"{seen.verdict.outcome} {seen.verdict.rule}"
    return verdict == expected(seen.behaviour.name)[seen.observation.profile]


def is_sure(seen: Seen) -> bool:
    """True if a look came to its verdict at once: a busy machine may be why others do not."""
    return came_out(seen) and seen.seconds < _QUICK_S


def _duration(seen: Seen) -> str:
    """In deadlines, so that the page does not depend on the machine."""
    if seen.seconds < _QUICK_S and seen.observation.failure != "timeout":
        return "at once"
    count = max(1, round(seen.seconds / ASK_S))
    return "deadline" if count == 1 else f"{count} deadlines"


def _size(count: int, least: int) -> str:
    """The least bound that holds, in KiB."""
    return next((f"<= {most} KiB" for most in (least // 1024, *_BOUNDS_KIB) if count <= most * 1024), f"{count:,}")


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return re.sub(r"[|<>]", lambda found: f"&#{ord(found.group())};", text)
