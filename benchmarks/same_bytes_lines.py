"""The command lines that same_bytes.py records, by the name under which each stays comparable across versions.

A name never changes; the words do when the command line does. Where recordings of both spellings are wanted, the words
are a tuple, the newest first: the first that the program knows is recorded. What stands in braces is a value of the
study (same_bytes_studies.py), or a place to write to, `out`; a line that needs a value which the study has not is left
out.
"""

from collections.abc import Mapping
from typing import Final

Words = str | tuple[str, ...]

_BY: Final = ("hoster", "asn", "country")
_KINDS: Final = (*_BY, "delegated", "registered", "seat", "upstream", "platform", "category")
_CLOCKS: Final = ("first_seen", "reported", "notice_sent", "notice_delivered", "legal_order", "episode_start")
_HELP: Final = (
    *("import", "init", "recheck", "run", "serve", "api-key", "notices", "enrich", "publish", "freeze", "reproduce"),
    *("backup", "restore", "prune", "verdicts", "episodes", "attribute", "hops", "rank", "feeds", "compliance"),
    *("displacement", "sensitivity", "sheet", "explain", "reconcile", "graph", "sizes", "sizes add", "doctor", "lag"),
    *("rejudge", "reveal", "forget", "audit", "demo", "hosters", "routes", "data", "quarantine", "key", "lab", "lake"),
    *("protocol", "reply", "code", "lab run", "lab simulate", "lab power", "lake export"),
)

TABLES: Final[Mapping[str, Words]] = {
    "verdicts": "verdicts",
    "episodes": "episodes",
    "episodes-told": "episodes --told",
    "attribute": "attribute",
    "attribute-csv": "attribute --csv {side}/addresses.csv --date {day}",
    "hops": "hops",
    "hops-told": "hops --told",
    "hops-labels": "hops --labels",
    "hops-labels-near": "hops --labels --near",
    **{f"rank-{kind}": f"rank --by {kind}" for kind in _KINDS},
    **{f"rank-volume-{by}": f"rank --volume --by {by}" for by in _BY},
    **{f"rank-places-{by}": f"rank --places --by {by}" for by in _BY},
    **{f"rank-feeds-{by}": f"rank --feeds --by {by}" for by in _BY},
    **{f"rank-role-{role}": f"rank --role {role}" for role in ("upstream", "operator", "proxy", "as-holder")},
    **{f"rank-clock-{clock}": f"rank --clock {clock}" for clock in _CLOCKS},
    "rank-top": "rank --top 3 --worst 2 --places",
    "rank-home": "rank --home",
    "rank-abroad": "rank --abroad",
    "feeds": "feeds",
    "feeds-presence": "feeds --presence {presence} --deliveries {deliveries} --source {source}",
    "feeds-presence-midpoint": "feeds --presence {presence} --deliveries {deliveries} --source {source} --midpoint",
    **{f"compliance-shares-{by}": f"compliance --by {by} --weeks" for by in _BY},
    **{f"compliance-trends-{by}": f"compliance --by {by} --show trends" for by in _BY},
    "compliance-unanswered": "compliance --show unanswered",
    "compliance-notices": "compliance --show notices",
    "compliance-reported": "compliance --clock reported",
    **{f"graph-{by}": f"graph --by {by}" for by in ("hoster", "as", "country", "content")},
    **{f"graph-measures-{by}": f"graph --by {by} --measures" for by in ("hoster", "as", "country")},
    **{f"graph-weeks-{by}": f"graph --by {by} --weeks" for by in ("hoster", "as", "country")},
    "graph-week": "graph --week {week}",
    "graph-cumulative": "graph --week {week} --cumulative",
    "graph-relocation": "graph --kind relocation",
    "graph-sequential": "graph --order sequential",
    "graph-one-content": "graph --by content --content {content}",
    "sheet": "sheet {hoster}",
    "sheet-reported": "sheet {hoster} --clock reported",
    "explain-url": "explain {url}",
    "explain-address": "explain {address}",
    "explain-address-day": "explain {address} --date {day}",
    "explain-hoster": "explain {hoster}",
    "explain-as": "explain {asn}",
    "explain-link": "explain {url} --link {linked}",
    "sensitivity": "sensitivity --most 16",
    "reconcile": "reconcile {theirs} --hoster {hoster}",
    **{f"sizes-{by}": f"sizes --by {by} --date {{day}}" for by in _BY},
    "sizes-frame": "sizes --date {day} --frame",
    "doctor": "doctor",
    "lag": "lag",
    "rejudge": "rejudge --rules {side}/rules.toml --out {out}",
    "audit": "audit",
    "quarantine-list": "quarantine list",
    "hosters-show": "hosters show --on {day}",
    "hosters-show-changes": "hosters show --changes",
    "hosters-queue": "hosters queue",
    "hosters-agreement": "hosters agreement",
    "routes-list": "routes list",
    "routes-check": "routes check",
    "protocol-show": "protocol show",
    "protocol-log": "protocol log",
    "reply-list": "reply list",
    **{f"code-queue-{queue}": f"code queue --coder ann --queue {queue}" for queue in ("hosters", "roles", "outcomes")},
    "code-agreement": "code agreement",
    "code-effect": "code effect",
}
"""Recorded as tables of 80 and 160 columns, as CSV and as JSON."""

FOR_TOOLS: Final[Mapping[str, Words]] = {
    f"sensitivity-{table}": f"sensitivity --most 16 --table {table}" for table in ("flips", "levels", "curve", "values")
}
"""Recorded as CSV and as JSON."""

ANSWERS: Final[Mapping[str, Words]] = {
    "displacement": "displacement",
    "displacement-event": "displacement --event {side}/event.toml",
    "displacement-example": "displacement --event {example}",
    "event-check": "event check {side}/event.toml",
}
"""Recorded as tables of both widths and as JSON."""

PRINTED: Final[Mapping[str, Words]] = {
    "sensitivity-truth": "sensitivity --most 16 --truth {truth}",
    "code-next-outcomes": "code next --coder ann",
    "refused-hoster": "sheet nobody",
    "refused-day": "sizes --date someday",
}
"""Recorded as printed in both widths; those that are refused with what they say."""

WRITTEN: Final[Mapping[str, Words]] = {
    "graph-gexf": "graph --out {out}.gexf",
    "graph-graphml": "graph --by country --out {out}.graphml",
    "graph-json": "graph --by as --out {out}.json",
    "displacement-files": "displacement --event {side}/event.toml --out {out}",
    "sensitivity-files": "sensitivity --most 16 --out {out}",
    "reconcile-back": "reconcile {theirs} --hoster {hoster} --back {out}.csv",
    "attribute-files": "attribute --csv {side}/addresses.csv --date {day} --out {out}.csv",
    "code-sheet": "code sheet {out}.csv --coder ann",
    "publish": "publish {out}",
    "reply-preview": "reply preview {out}",
    "lake-export": "lake export {out} --to pool-2026",
    "freeze": "freeze {out}",
}
"""Recorded with all files that they write, in this order: the last ones put themselves on record in the study."""

SERVE: Final[Words] = "serve --port 0"

WITHOUT_STUDY: Final[Mapping[str, Words]] = {
    "lab-simulate": "lab simulate waterbed --studies 20 --seed 1",
    "lab-power": "lab power waterbed --studies 20 --seed 1",
    "data-list": "data list",
    **{f"help-{words.replace(' ', '-')}": f"{words} --help" for words in _HELP},
    "help": "--help",
}
"""Recorded as printed in both widths, outside any study."""

FEW: Final[Mapping[str, tuple[str, ...]]] = {
    "worked": (
        *("verdicts.*", "rank-platform.*", "feeds*", "hops-labels.*", "quarantine-list.*", "protocol-*", "audit.*"),
        *("doctor.*", "lag.*", "routes-list.*", "publish"),
    ),
}
"""Studies of which few lines are recorded, by patterns of their names: many reports and no look make the rest slow."""
