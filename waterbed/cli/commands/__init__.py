"""The table of commands; each file is one command.

A command's module is imported when it is called, and does its own printing.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Command(NamedTuple):
    """A command's place, and its line in the overview."""

    module: str
    """Its file in `waterbed.cli.commands`."""
    name: str
    """Its function or group in that file."""
    help: str
    group: str


COMMANDS: Final[Mapping[str, Command]] = {
    "demo": Command("lab", "demo", "Run the main job on a simulated Internet, and compare with the truth.", "Start"),
    "init": Command("init", "init", "Make a study folder: settings and an empty store.", "Start"),
    "status": Command("init", "status", "Show where the study stands, and what to do next.", "Start"),
    "docs": Command("docs", "docs", "Print a page of the documentation, as messages name it.", "Start"),
    "import": Command("import_", "import_", "Import reports.", "Collect"),
    "notices": Command("import_", "notices", "Import notices that were sent.", "Collect"),
    "recheck": Command("crawl", "recheck", "Check what is due, once, without touching content.", "Collect"),
    "run": Command("crawl", "run", "Keep checking on schedule until a signal.", "Collect"),
    "links": Command("links", "links_app", "Try hosters' own link checks before they are used.", "Collect"),
    "enrich": Command("crawl", "enrich", "Ask registries who holds networks and ASes (RDAP).", "Collect"),
    "origins": Command("origins", "origins_app", "Ask a CDN which hoster is behind it, as a trusted reporter.",
                       "Attribute"),
    "tables": Command("tables", "tables_app", "Add, list and check dated tables, as of routes.", "Attribute"),
    "data": Command("tables", "data_app", "List and fetch known public sources of dated tables.", "Attribute"),
    "hosters": Command("hosters", "hosters_app", "Define which ASes and ranges are one company.", "Attribute"),
    "attribute": Command("attribute", "attribute", "Find origin ASes and hosters of addresses.", "Attribute"),
    "sizes": Command("sizes", "sizes_app", "Print sizes of hosters, ASes and countries.", "Attribute"),
    "explain": Command("explain", "explain", "Show why a URL or an address belongs to a hoster.", "Attribute"),
    "rank": Command("rank", "rank", "Rank hosters by volume and by speed of removal.", "Results"),
    "fact-sheet": Command("fact_sheet", "fact_sheet", "Print the fact sheet of one hoster.", "Results"),
    "compliance": Command("compliance", "compliance", "Show who acts on notices, and how fast.", "Results"),
    "overdue": Command("overdue", "overdue", "List what is still up after its notice, for reminders.", "Results"),
    "report": Command("report", "report", "Print a month's report on one page.", "Results"),
    "sources": Command("sources", "sources", "Print a card for each source of reports.", "Results"),
    "episodes": Command("hops", "episodes", "List when each URL was up, at which hoster.", "Results"),
    "verdicts": Command("hops", "verdicts", "List what each check is taken to mean.", "Results"),
    "sensitivity": Command("sensitivity", "sensitivity", "Test which conclusions hold under other choices.", "Results"),
    "hops": Command("hops", "hops", "List where content went after it left a hoster.", "Displacement"),
    "graph": Command("graph", "graph", "Print or write the graph of hops.", "Displacement"),
    "event": Command("event", "event_app", "Plan a study of an intervention, and check its plan.", "Displacement"),
    "displacement": Command("displacement", "displacement", "Estimate if pressure removed or moved content.",
                            "Displacement"),
    "publish": Command("publish", "publish", "Write what may be published: tables, feeds, pages.", "Publish"),
    "reply": Command("reply", "reply_app", "Let hosters answer before their numbers are public.", "Publish"),
    "serve": Command("publish", "serve", "Serve pages and tables over HTTP, read-only.", "Publish"),
    "api-key": Command("publish", "api_key", "Make a key for the interface.", "Publish"),
    "protocol": Command("record.protocol", "protocol_app", "Lock what the study asks, and list deviations.",
                        "Study record"),
    "code": Command("record.code", "code_app", "Code doubtful cases, two people each.", "Study record"),
    "quarantine": Command("operate.doctor", "quarantine_app", "Review quarantined checks.", "Study record"),
    "rejudge": Command("operate.doctor", "rejudge", "Judge all checks by other rules too.", "Study record"),
    "reconcile": Command("record.reconcile", "reconcile", "Compare a hoster's own list with the study.",
                         "Study record"),
    "freeze": Command("record.freeze", "freeze", "Freeze the study as a package that others can reproduce.",
                      "Study record"),
    "reproduce": Command("record.freeze", "reproduce", "Reproduce a frozen study, and compare byte for byte.",
                         "Study record"),
    "audit": Command("operate.keys", "audit", "List who revealed, forgot or decided what, and why.", "Study record"),
    "doctor": Command("operate.doctor", "doctor", "Check the study for problems.", "Operate"),
    "lag": Command("crawl", "lag", "Show how late the schedule is.", "Operate"),
    "backup": Command("operate.backup", "backup", "Back the study up, never its keys.", "Operate"),
    "restore": Command("operate.backup", "restore", "Make a study folder again from a backup.", "Operate"),
    "prune": Command("operate.backup", "prune", "Remove checks from the store that the lake holds.", "Operate"),
    "lake": Command("operate.lake", "lake_app", "Keep closed days of facts as Parquet files.", "Operate"),
    "cache": Command("operate.cache", "cache_app", "Show, refresh and drop kept conclusions.", "Operate"),
    "key": Command("operate.keys", "key_app", "Rotate, escrow and restore the study's keys.", "Operate"),
    "reveal": Command("operate.keys", "reveal", "Print the URL or host behind an id; on record.", "Operate"),
    "forget": Command("operate.keys", "forget", "Shred a URL, or a host with all its URLs, for good.", "Operate"),
    "plugins": Command("operate.plugins", "plugins", "List what other packages add.", "Operate"),
    "lab": Command("lab", "lab_app", "Simulate an Internet with known truth.", "Lab"),
}  # fmt: skip
"""All commands in the order in which a newcomer needs them; a command's module is imported when it is called."""
