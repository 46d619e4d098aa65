"""Changes and codings of a book, made for tests."""

from datetime import UTC, date, datetime, time, timedelta

from waterbed.model.decisions import Coding, HosterChange

START = datetime(2026, 1, 1, tzinfo=UTC)


def change(number: int, kind: str, key: str, into: str | None = None, **given: object) -> HosterChange:
    """The change of that number: they are decided an hour apart, by `who` or by ann."""
    since = given.pop("since", None)
    values = {"members": (), "name": None, "country": None, "entity": None, "who": "ann", "reason": "case", **given}
    return HosterChange(
        change_id=f"change{number:04}",
        kind=kind,  # type: ignore[arg-type]  # tests name the kinds
        key=key,
        into=into,
        since=datetime.combine(since, time(), UTC) if isinstance(since, date) else None,
        decided_at=START + timedelta(hours=number),
        **values,  # type: ignore[arg-type]
    )


def coding(number: int, item: int, coder: str, code: str, *, adjudicates: bool = False) -> Coding:
    """What a coder thinks of the change of a number."""
    return Coding(
        coding_id=f"coding{number:04}",
        queue="hosters",
        item_id=f"change{item:04}",
        coder=coder,
        code=code,
        adjudicates=adjudicates,
        note="",
        coded_at=START + timedelta(days=30, hours=number),
    )
