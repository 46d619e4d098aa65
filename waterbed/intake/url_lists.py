"""Reports from a plain list of addresses, one a line, as OpenPhish publishes them."""

from collections.abc import Iterable, Iterator

from waterbed.intake.csv_reports import ReportLine, checked_report
from waterbed.intake.csv_table import MAX_LINE, Rejected


def parse_url_list(lines: Iterable[str], name: str) -> Iterator[ReportLine | Rejected]:
    """One report for each line; empty lines and lines that begin with `#` are skipped."""
    del name  # any text is a list of lines: nothing is refused whole
    for number, text in enumerate(lines, 1):
        address = text.strip()
        if not address or address.startswith("#"):
            continue
        if len(address) > MAX_LINE:
            yield Rejected(line=number, reason=f"line of {len(address)} characters; at most {MAX_LINE} are accepted")
        else:
            yield checked_report(number, {"url": address})
