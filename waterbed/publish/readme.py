"""README.txt of what is published: the files, the terms, what they rest on."""

from collections.abc import Iterable
from typing import Final

from waterbed.publish.policy import Publication

KINDS: Final = {
    "datapackage.json": "Frictionless data package: what each column of the CSV files means",
    "stix.json": "STIX 2.1 bundle: ASes and hosters with their rows of the rankings",
    "stix-extension.schema.json": "JSON Schema of the extension that these rows are",
    "misp/": "MISP feed: add this folder, or where it is served, as a feed of the format MISP",
    "intelmq.jsonl": "IntelMQ events, one line for each AS",
    "intelmq-addresses.jsonl": "IntelMQ events, one line for each address and category",
    "hops.gexf": "flows between hosters for Gephi and graphology",
    "hops.graphml": "the same for NetworkX, igraph and yEd",
    "index.html": "the pages, all .html, begin here; none asks anything of any network",
    "hosters/": "pages: a sheet for each hoster",
    "interventions/": "pages: what each event did",
    "assets/": "style and scripts of the pages",
    "SHA256SUMS": "checksum of each file: sha256sum -c SHA256SUMS",
}
"""What each file is that is no table."""


def readme(publication: Publication, names: Iterable[str]) -> str:
    """The text of README.txt; `names` are the other files, in a folder or not."""
    policy = publication.policy
    folders = {f"{name.partition('/')[0]}/" if "/" in name else name for name in names}
    lines = [
        publication.title,
        "=" * len(publication.title),
        "",
        f"Published by {policy.publisher} on {publication.made_at:%Y-%m-%d %H:%M} UTC. "
        f"TLP:{policy.tlp.upper()}. Licence: {policy.licence}.",
        f"Rows about fewer than {policy.least} sites are left out. No file holds a URL or a host name.",
        "",
        "Tables, each as .csv, .json (with .schema.json) and .parquet:",
        *(
            f"  {table.name:24} {table.title}; {len(table.rows):,} rows, {table.envelope.left_out:,} left out"
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
    for heading in {table.envelope.method: table.envelope for table in publication.tables}.values():
        lines += [f"{heading.what}: {heading.method}", ""]
    heading = publication.table("ranking-hoster").envelope
    lines += ["Ranking by hoster:", *(f"  {told}" for told in heading.standing)]
    lines += ["", f"Looks of {heading.window}. Run {heading.run}, Waterbed {heading.version}.", "", "Data used:"]
    lines += [f"  {name}: {words}" for name, words in sorted(publication.sources.items())] or ["  none"]
    return "\n".join(lines) + "\n"
