"""Writes a publication: tables, bundles, feeds, graph and pages."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from graphs.network.graph import flow_graph, gexf, graphml
from waterbed.governance.reply import PUBLIC, add_edition, next_edition, record, refuse_unheard
from waterbed.model.errors import InputError
from waterbed.model.governance import Edition
from waterbed.model.progress import staged
from waterbed.publish.data_package import data_package
from waterbed.publish.edition import LastEdition, editions, remember
from waterbed.publish.exports import EXPORTS, chosen, exported
from waterbed.publish.intelmq import address_events
from waterbed.publish.policy import Publication, named_hosters, provenance_text, publishable
from waterbed.publish.site.build import site_of
from waterbed.publish.site.layout import START
from waterbed.publish.tables import hoster_names, last_seen, publication_of
from waterbed.store.config import read_config
from waterbed.store.folder import SETTINGS
from waterbed.store.whole.replacing import SUMS, replace_files
from waterbed.study.conclusions import Conclusions
from waterbed.study.formats import in_every_format
from waterbed.study.metadata import table_info
from waterbed.study.study import Study

MARKS: Final = (START, "README.txt", "datapackage.json", "stix.json", "misp/manifest.json")
"""Files of every publication: a list of checksums without them is not one of ours."""


def publish_all(
    study: Study, out: Path, conclusions: Conclusions | None = None, *, override: str = "", errata: str = ""
) -> list[Path]:
    """Write everything publishable; return the files, first page last.

    Files that an earlier publication wrote there and this one does not are removed, before any is replaced. InputError,
    and nothing is changed, if the folder holds a file of the same name that no publication left like that.
    What is public (TLP:CLEAR) is an edition: InputError while a hoster that it names could still answer, unless
    `override` says why. `errata` is what is corrected against the edition before, beside what rulings corrected.
    """
    conclusions = conclusions or study.conclude()
    publication = publishable(publication_of(study, conclusions), editions(study.folder))
    why = refuse_unheard(study.folder, named_hosters(publication), override)
    contents = dict(staged("files", _contents(study, conclusions, publication)))
    edition = _edition(study, contents, why, errata)
    contents |= {path: file.content for path, file in site_of(study, conclusions, publication).items()}
    contents["README.txt"] = readme(publication, [*contents, SUMS]).encode()
    contents[START] = contents.pop(START)
    told = publication.edition
    replace_files(
        out, contents, marks=MARKS, study=study.folder.path, ready=lambda: _put_on_record(study, edition, told)
    )
    return [out / name for name in (SUMS, *contents)]


def _put_on_record(study: Study, edition: Edition | None, told: LastEdition | None) -> None:
    """Record the edition and what it tells; InputError if another policy holds by now."""
    if read_config(study.folder.path / SETTINGS)[1] != study.folder.config_hash:
        raise InputError(
            f"{SETTINGS} was changed while the publication was made, so it was not written; publish again "
            "(docs/publishing.md, Policy)"
        )
    if edition:
        add_edition(study.folder, edition)
    remember(study.folder, told, "publish")


def _edition(study: Study, contents: dict[str, bytes], override: str, errata: str) -> Edition | None:
    """The edition and its table; None if not public.

    The edition's table is added to the contents.
    """
    if study.config.publish.tlp != PUBLIC:
        return None
    tables = b"".join(content for name, content in sorted(contents.items()) if name.endswith(".csv"))
    made = next_edition(study.folder, override=override, more=errata, tables=tables)
    info = table_info(study, "editions", by="edition")
    contents |= in_every_format("editions", Edition, [*record(study.folder).editions, made], info)
    return made


def _contents(study: Study, conclusions: Conclusions, publication: Publication) -> Iterator[tuple[str, bytes]]:
    """Every file but the pages and the README, by name."""
    tables: dict[str, bytes] = {}
    for table in publication.tables:
        tables |= in_every_format(table.name, table.cls, table.rows, table.envelope)
    yield from tables.items()
    version = publication.table("ranking-hoster").envelope.version
    yield "datapackage.json", data_package(publication, tables, version).encode()
    yield from exported(publication, chosen(study.config.publish.plugins).exports)
    if publication.policy.addresses:
        yield "intelmq-addresses.jsonl", address_events(publication, last_seen(conclusions)).encode()
    flows = publication.table("flow-shares-hoster")
    graph = flow_graph(
        conclusions.hops,
        {(row.from_key, row.to_key) for row in flows.rows},
        names=hoster_names(conclusions),
        seats=conclusions.seats,
        home=study.config.home,
        name=provenance_text(publication, flows.envelope),
    )
    yield "hops.gexf", gexf(graph)
    yield "hops.graphml", graphml(graph)


KINDS: Final = {
    "datapackage.json": "Frictionless data package: what each column of the CSV files means",
    **{name: what for export in EXPORTS.values() for name, what in export.files.items()},
    "intelmq-addresses.jsonl": "IntelMQ events, one line for each address and category",
    "hops.gexf": "flows between hosters for Gephi and graphology",
    "hops.graphml": "the same for NetworkX, igraph and yEd",
    "index.html": "the pages, all .html, begin here; none asks anything of any network",
    "hosters/": "pages: a sheet for each hoster",
    "interventions/": "pages: what each event did",
    "assets/": "style and scripts of the pages",
    "plugins/": "what plug-ins add, by their names",
    "SHA256SUMS": "checksum of each file: sha256sum -c SHA256SUMS",
}
"""Description of each file that is not a table."""


def readme(publication: Publication, names: Iterable[str]) -> str:
    """The text of README.txt; `names` are the other files.

    They lie in a folder or not.
    """
    policy = publication.policy
    folders = {f"{name.partition('/')[0]}/" if "/" in name else name for name in names}
    lines = [
        publication.title,
        "=" * len(publication.title),
        "",
        *((f"{caveat}.", "") if (caveat := publication.table("ranking-hoster").envelope.caveat) else ()),
        f"Published by {policy.publisher} on {publication.made_at:%Y-%m-%d %H:%M} UTC. "
        f"TLP:{policy.tlp.upper()}. Licence: {policy.licence}.",
        f"Rows about fewer than {policy.least} sites are left out, and so are rows from which such a row would follow. "
        "No file holds a URL or a host name.",
        "",
        "Tables, each as .csv, .json (with .schema.json) and .parquet:",
        *(
            f"  {table.name:24} {table.title}; {len(table.rows):,} rows, at least {table.envelope.left_out:,} left out"
            for table in publication.tables
        ),
        "",
        "Other files:",
        *(f"  {name:28} {what}" for name, what in KINDS.items() if name in folders),
        "",
        "What they rest on",
        "-----------------",
        "",
    ]
    for info in {table.envelope.method: table.envelope for table in publication.tables}.values():
        lines += [f"{info.what}: {info.method}", ""]
    info = publication.table("ranking-hoster").envelope
    lines += ["Ranking by hoster:", *(f"  {status}" for status in info.remarks)]
    lines += ["", f"Looks of {info.window}. Run {info.run}, Waterbed {info.version}.", "", "Data used:"]
    lines += [f"  {name}: {words}" for name, words in sorted(publication.sources.items())] or ["  none"]
    return "\n".join(lines) + "\n"
