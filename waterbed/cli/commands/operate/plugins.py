"""The `plugins` command: what other packages add."""

from __future__ import annotations

from collections.abc import Mapping

import typer

from waterbed.shown.output import FINDING, OK, complain, new_table, note, print_table


def plugins() -> None:
    """List plug-ins; exit code 1 if one is left out.

    Each row is one plug-in: what it adds, its name, the package that brings it, and where to ask for it.

    For example: waterbed plugins
    """
    from waterbed.intake.formats import FORMATS, ReportForm
    from waterbed.model.plugins import KINDS, SEE, DataFile, listed
    from waterbed.model.shell import installs
    from waterbed.questions import BUILT_IN
    from waterbed.shown.options import RANKED
    from waterbed.shown.question import Question

    expected: dict[str, tuple[type, Mapping[str, object]]] = {
        "reports": (ReportForm, FORMATS),
        "link_checks": (DataFile, {}),
        "rules": (DataFile, {}),
        "questions": (Question, BUILT_IN),
    }
    try:
        from waterbed.attribution.lookups.tables.table_files import FORMS, TableForm
        from waterbed.measures.keys import RankingKind
        from waterbed.publish.exports import EXPORTS, Export
        from waterbed.publish.site.added import AddedPage
    except ModuleNotFoundError as problem:
        note(
            f"Plug-ins of tables, rankings, exports and pages are not listed, as this installation lacks "
            f"{problem.name}; {installs('analysis')} (docs/operations.md, Installation)",
            broken=True,
        )
    else:
        expected |= {
            "tables": (TableForm, FORMS),
            "rankings": (RankingKind, dict.fromkeys(RANKED)),
            "exports": (Export, EXPORTS),
            "pages": (AddedPage, {}),
        }
    installed = listed({kind: expected[kind] for kind in KINDS if kind in expected})
    if not installed:
        note(f"No package adds anything; what could be added: {', '.join(KINDS)} ({SEE}).", broken=True)
        raise typer.Exit(OK)
    table = new_table("plug-ins", "adds", "name", "package", "used by", look="open")
    for plugin in installed:
        table.add_row(plugin.kind, plugin.name, plugin.package, "left out" if plugin.problem else KINDS[plugin.kind])
    print_table(table)
    for plugin in installed:
        if plugin.problem:
            complain(f"{plugin.name} of {plugin.package} is left out: {plugin.problem} ({SEE})")
    raise typer.Exit(FINDING if any(plugin.problem for plugin in installed) else OK)
