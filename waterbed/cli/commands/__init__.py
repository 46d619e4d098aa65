"""All commands: those of the questions, and the others.

Each module is imported when its command is called.
"""

from collections.abc import Mapping
from typing import Final, get_args

from waterbed.questions import BUILT_IN
from waterbed.shown.question import Command, Group

_OTHERS: Final[Mapping[str, Command]] = {
    "demo": Command(
        "waterbed.cli.commands.lab:demo",
        "Run the main job on a simulated Internet, and compare with the truth.",
        "Start",
    ),
    "init": Command("waterbed.cli.commands.init:init", "Make a study folder: settings and an empty store.", "Start"),
    "status": Command(
        "waterbed.cli.commands.init:status", "Show where the study stands, and what to do next.", "Start"
    ),
    "docs": Command(
        "waterbed.cli.commands.docs:docs", "Print a page of the documentation, as messages name it.", "Start"
    ),
    "import": Command("waterbed.cli.commands.import_:import_", "Import reports.", "Collect"),
    "notices": Command("waterbed.cli.commands.import_:notices", "Import notices that were sent.", "Collect"),
    "recheck": Command(
        "waterbed.cli.commands.crawl:recheck", "Check what is due, once, without touching content.", "Collect"
    ),
    "run": Command("waterbed.cli.commands.crawl:run", "Keep checking on schedule until a signal.", "Collect"),
    "links": Command(
        "waterbed.cli.commands.links:links_app", "Try hosters' own link checks before they are used.", "Collect"
    ),
    "enrich": Command(
        "waterbed.cli.commands.crawl:enrich", "Ask registries who holds networks and ASes (RDAP).", "Collect"
    ),
    "origins": Command(
        "waterbed.cli.commands.origins:origins_app",
        "Ask a CDN which hoster is behind it, as a trusted reporter.",
        "Attribute",
    ),
    "tables": Command(
        "waterbed.cli.commands.tables:tables_app", "Add, list and check dated tables, as of routes.", "Attribute"
    ),
    "data": Command(
        "waterbed.cli.commands.tables:data_app", "List and fetch known public sources of dated tables.", "Attribute"
    ),
    "attribute": Command(
        "waterbed.cli.commands.attribute:attribute", "Find origin ASes and hosters of addresses.", "Attribute"
    ),
    "publish": Command(
        "waterbed.cli.commands.publish:publish", "Write what may be published: tables, feeds, pages.", "Publish"
    ),
    "reply": Command(
        "waterbed.cli.commands.reply:reply_app", "Let hosters answer before their numbers are public.", "Publish"
    ),
    "serve": Command("waterbed.cli.commands.publish:serve", "Serve pages and tables over HTTP, read-only.", "Publish"),
    "api-key": Command("waterbed.cli.commands.publish:api_key", "Make a key for the interface.", "Publish"),
    "protocol": Command(
        "waterbed.record.protocol_command:protocol_app",
        "Lock what the study asks, and list deviations.",
        "Study record",
    ),
    "code": Command("waterbed.record.coding.command:code_app", "Code doubtful cases, two people each.", "Study record"),
    "quarantine": Command(
        "waterbed.cli.commands.operate.doctor:quarantine_app", "Review quarantined checks.", "Study record"
    ),
    "rejudge": Command(
        "waterbed.cli.commands.operate.doctor:rejudge", "Judge all checks by other rules too.", "Study record"
    ),
    "reconcile": Command(
        "waterbed.record.reconcile_command:reconcile", "Compare a hoster's own list with the study.", "Study record"
    ),
    "freeze": Command(
        "waterbed.cli.commands.freeze:freeze",
        "Freeze the study as a package that others can reproduce.",
        "Study record",
    ),
    "reproduce": Command(
        "waterbed.cli.commands.freeze:reproduce", "Reproduce a frozen study, and compare byte for byte.", "Study record"
    ),
    "audit": Command(
        "waterbed.cli.commands.operate.keys:audit",
        "List who revealed, forgot or decided what, and why.",
        "Study record",
    ),
    "doctor": Command("waterbed.cli.commands.operate.doctor:doctor", "Check the study for problems.", "Operate"),
    "lag": Command("waterbed.cli.commands.crawl:lag", "Show how late the schedule is.", "Operate"),
    "backup": Command("waterbed.cli.commands.operate.backup:backup", "Back the study up, never its keys.", "Operate"),
    "restore": Command(
        "waterbed.cli.commands.operate.backup:restore", "Make a study folder again from a backup.", "Operate"
    ),
    "prune": Command(
        "waterbed.cli.commands.operate.backup:prune", "Remove checks from the store that the lake holds.", "Operate"
    ),
    "lake": Command(
        "waterbed.cli.commands.operate.lake:lake_app", "Keep closed days of facts as Parquet files.", "Operate"
    ),
    "cache": Command(
        "waterbed.cli.commands.operate.cache:cache_app", "Show, refresh and drop kept conclusions.", "Operate"
    ),
    "key": Command(
        "waterbed.cli.commands.operate.keys:key_app", "Rotate, escrow and restore the study's keys.", "Operate"
    ),
    "reveal": Command(
        "waterbed.cli.commands.operate.keys:reveal", "Print the URL or host behind an id; on record.", "Operate"
    ),
    "forget": Command(
        "waterbed.cli.commands.operate.keys:forget", "Shred a URL, or a host with all its URLs, for good.", "Operate"
    ),
    "plugins": Command("waterbed.cli.commands.operate.plugins:plugins", "List what other packages add.", "Operate"),
    "lab": Command("waterbed.cli.commands.lab:lab_app", "Simulate an Internet with known truth.", "Lab"),
}
_GROUPS: Final = get_args(Group)

_OF_QUESTIONS: Final = [item for question in BUILT_IN.values() for item in question.commands.items()]

COMMANDS: Final[Mapping[str, Command]] = dict(
    sorted([*_OTHERS.items(), *_OF_QUESTIONS], key=lambda item: _GROUPS.index(item[1].group))
)
"""All built-in commands by group, as a newcomer needs the groups; in each those of questions come last, by folder."""
