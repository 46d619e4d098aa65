"""A study of named hosts in which everything matters that a package must carry for the vault it lacks.

Labels that look alike, bare host names that mean nothing, a platform known by its suffix, a merge, people's accounts,
settings with addresses, and a protocol that was changed after its lock.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from tests.study.facts import _canary, _looks, config, hour, resolution
from waterbed.governance.protocol.file import PROTOCOL
from waterbed.governance.protocol.lock import explain, lock
from waterbed.model.decisions import Coding, HosterChange
from waterbed.model.facts import Target
from waterbed.store.settings import Canary, Citation, Creator, Linking, Names, Publish, Registry, Vantage
from waterbed.study.study import Study, create_study

STEP = 16
"""Hours from one report to the next at a hoster."""
HOURS = 40 + 11 * STEP
PAIRS = 6
HOSTS = [
    *(f"parcelpost-{word}.example{word}.com" for word in ("amber", "birch", "cedar", "delta", "ember", "flint")),
    *(
        f"secure-{word}-bank{n}.com"
        for n, word in enumerate(("amber", "birch", "cedar", "delta", "ember", "flint"), 11)
    ),
    *(
        f"secure-{word}-bamk{n}.com"
        for n, word in enumerate(("amber", "birch", "cedar", "delta", "ember", "flint"), 11)
    ),
    *(f"quickparcel{word}.pages.dev" for word in ("amber", "birch", "cedar")),
]
URLS = [f"http://{host}/" for host in HOSTS]
"""Bare host names: what they have in common means nothing, and nothing but their labels is alike."""
CANARY = "http://canary-of-ours-example.com/"
ACCOUNTS = ("jdoe-account", "asmith-account")
CITATION = Citation(
    title="Parcels, frozen",
    description="A study of invented names.",
    creators=(
        Creator(name="Curie, Maria", orcid="0000-0002-1825-0097", affiliation="An Institute"),
        Creator(name="A Hotline", kind="organisation"),
    ),
    keywords=("hosting", "abuse"),
    doi="10.5072/waterbed.1",
)


EVENT = """\
target = "AS64500"
date = 2026-01-07T08:00:00Z
chosen_until = 2026-01-06
public = true
controls = ["cloudflare-pages"]
period_h = 6.0
before = 8
after = 4
most_contaminated = 1.0
"""
"""An event that may be published."""


@contextmanager
def named_study(folder: Path, **changes: object) -> Iterator[Study]:
    """The study; its keys lie in the folder, too."""
    settings: dict[str, object] = {
        "name": "a named study",
        "contact": "abuse@contact-of-ours-example.com",
        "canary": Canary(targets=(CANARY,)),
        "names": Names(resolver="198.51.100.53:53"),
        "vantages": (Vantage(name="far", network="far", proxy="198.51.100.99:8080"),),
        "registry": Registry(bases={"ripe": "https://base-of-ours-example.com/"}),
        "linking": Linking(near_labels=True, least="weak", weights={"fuzzy_label": 4.5, "path": 4.5}),
        "publish": Publish(publisher="A Hotline", licence="CC-BY-4.0", least=1),
        "citation": CITATION,
        **changes,
    }
    folder.mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        with create_study(folder / "study", config(**settings)) as study:
            _import(study, folder)
            _look(study, folder)
            (study.folder.path / "events").mkdir()
            (study.folder.path / "events" / "Pressed (1).toml").write_text(EVENT)
            (study.folder.path / "events" / "secret.toml").write_text(EVENT.replace("public = true", "public = false"))
            study.folder.clock = lambda: hour(HOURS)
            yield study


def _reported(number: int) -> int:
    """The hour at which a host is reported: look-alikes half a day after what they look like."""
    if number < 2 * PAIRS:
        return number * STEP
    return (number - PAIRS if number < 3 * PAIRS else number - 3 * PAIRS) * STEP + 12


def _import(study: Study, folder: Path) -> None:
    for hours, url in sorted((_reported(number), url) for number, url in enumerate(URLS)):
        study.folder.clock = lambda hours=hours: hour(hours)
        (folder / "reports.csv").write_text(f"url\n{url}\n")
        study.import_reports(folder / "reports.csv", source="hotline")
    protocol = (
        (Path(__file__).parents[3] / "waterbed" / "governance" / "protocol" / "first.toml")
        .read_text(encoding="utf-8")
        .replace("@title@", json.dumps("a named study"))
        .replace("@home@", "NL")
        .replace("@clock@", "reported")
        .replace("@sources@", '["hotline"]')
        .replace("@categories@", '["phishing"]')
    )
    path = study.folder.path / PROTOCOL
    path.write_text(protocol, encoding="utf-8")
    lock(study.folder)
    path.write_text(protocol.replace("level = 0.05", "level = 0.1"), encoding="utf-8")
    explain(study.folder, "estimands.removed-24h.level", "fewer sites came than planned")


def _look(study: Study, folder: Path) -> None:
    letters = "abc"
    lines = [f"28.{n}.0.0,28.{n}.255.255,{64500 + n},Hoster {k}\n" for n, k in enumerate(letters)]
    (folder / "routes.csv").write_text("".join(lines))
    study.add_table(folder / "routes.csv", date(2026, 1, 5), licence="CC0-1.0")
    vault, facts = study.folder.vault, list[object]()
    targets = {target.host_id: target for target in study.folder.store.all(Target)}
    for number, host in enumerate(HOSTS):
        target = targets[vault.keyed_id("host", host)]
        group = number // PAIRS  # looked at from hour 0 at a; the look-alikes come to b when they have left a
        address = f"28.{min(group, 2) if group != 1 else 0}.{number}.7"
        first = _reported(number)
        up = 8 + number % 3 if group == 1 else 40
        states = " " * first + "u" * up + "d" * (40 - up)
        facts.append(resolution(target.url_id, address, host_id=target.host_id, resolved_at=hour(first)))
        facts += _looks(target.url_id, states, address)
    facts += [_canary(n, True) for n in range(HOURS)]
    merge = HosterChange(
        change_id="merge1",
        kind="merge",
        key="AS64502",
        into="AS64501",
        members=(),
        name=None,
        country=None,
        entity=None,
        since=None,
        who=ACCOUNTS[0],
        reason="one company",
        decided_at=hour(1),
    )
    codings = [
        Coding(
            coding_id=f"coding{n}",
            queue="hosters",
            item_id="merge1",
            coder=account,
            code="accept",
            adjudicates=False,
            note="",
            coded_at=hour(2),
        )
        for n, account in enumerate(ACCOUNTS)
    ]
    study.folder.store.add([*facts, merge, *codings])
