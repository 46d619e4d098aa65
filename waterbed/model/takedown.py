"""Conclusions about notices and takedown clocks.

Recomputed from facts, never edited.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final, Literal

from waterbed.model.conclusions import Addressed, ClockKind, EndCause, RankClass, Timing

BY_NOTICE: Final = ("notice_sent", "notice_delivered", "legal_order")
"""Clocks that a notice starts."""
ORDERS: Final = ("legal_order", "nl_order", "tco")
"""Notices that bind: each starts clocks of the kind `legal_order`, and no other."""
_BY_LAW: Final[Mapping[str, timedelta]] = {"tco": timedelta(hours=1), "nl_order": timedelta(hours=12)}
"""Times that the law gives from receipt: Regulation (EU) 2021/784, Article 3(3), one hour; the Dutch act on the
administrative approach to online child abuse imagery, at most twelve hours. Articles 9 and 16 of Regulation (EU)
2022/2065 (DSA) set no time."""
Deadline = Literal["order", "law", "asked"]
"""Who set it: the order itself, the law, or nobody but the sender."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressedNotice:
    """One notice in its latest version, with its addressee."""

    notice_id: Annotated[str, "the latest fact about it"]
    url_id: Annotated[str, "the URL it is about"]
    site_id: Annotated[str, "its registrable domain"]
    kind: Annotated[str, "ntd, legal_order, nl_order, tco, dsa or citizen"]
    sender: Annotated[str, "who sent it"]
    recipient: Annotated[str, "the company it went to, by the book of its day"]
    hosters: Annotated[tuple[str, ...], "keys of the hosters at that time"]
    addressed: Annotated[Addressed, "whom it reached: direct, indirect, misaddressed, or unattributed"]
    role: Annotated[
        str | None, "the recipient's part: hoster, operator, upstream, as_holder, proxy, platform, registrar; or null"
    ]
    look_h: Annotated[float | None, "hours from the notice to the check that this rests on; negative: before it"]
    sent_at: Annotated[datetime, "when it was sent"]
    delivered_at: Annotated[datetime | None, "when it arrived; null: not known, or it came back"]
    bounced: Annotated[bool, "whether it came back: it starts no clock"]
    reminder: Annotated[bool, "whether it repeats an earlier one: it starts no clock if that one is known"]
    batch: Annotated[str | None, "sender and batch: a cluster"]
    acknowledged_at: Annotated[datetime | None, "when the recipient answered"]
    response: Annotated[str | None, "what the recipient answered"]
    held_for_police: Annotated[bool, "whether removal was to wait for the police"]
    due_at: Annotated[datetime | None, "when the order says that it must be gone; null: it states no time"] = None

    @property
    def order(self) -> bool:
        """True if it binds."""
        return self.kind in ORDERS

    @property
    def deadline(self) -> tuple[datetime, Deadline] | None:
        """When it must be gone, and who says so.

        None if neither the order nor the law does.
        """
        if self.due_at is not None:
            return self.due_at, "order"
        if self.kind in _BY_LAW and self.delivered_at is not None:
            return self.delivered_at + _BY_LAW[self.kind], "law"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeContext:
    """Notices, and the start of study, by URL.

    Clocks need them beside the episodes.
    """

    notices: Mapping[str, Sequence[AddressedNotice]] = field(default_factory=dict)
    """By URL."""
    known_since: Mapping[str, datetime] = field(default_factory=dict)
    """By URL: its first report."""
    confirmed: Mapping[str, Sequence[tuple[datetime, datetime]]] = field(default_factory=dict)
    """By URL: when an analyst saw it up, and when that was received."""

    def since(self, url_id: str, clock: ClockKind) -> datetime | None:
        """The start of the clock of a never-seen URL.

        Its first report, or its first notice.
        """
        if clock not in BY_NOTICE:
            return self.known_since.get(url_id)
        about = (n for n in self.notices.get(url_id, ()) if not n.bounced and n.addressed == "direct")
        legal = (n for n in about if n.order == (clock == "legal_order"))
        return min((when for n in legal if (when := counted_at(n, clock))), default=None)


def counted_at(notice: AddressedNotice, clock: ClockKind) -> datetime | None:
    """The time at which a notice counts.

    Its sending for the clock that runs from there, else its known arrival.
    """
    return notice.sent_at if clock == "notice_sent" else notice.delivered_at


@dataclass(frozen=True, slots=True, kw_only=True)
class TakedownClock:
    """One takedown clock with its origin.

    The end is in (left_h, right_h] hours since then.
    """

    url_id: Annotated[str, "the URL"]
    site_id: Annotated[str, "its registrable domain: a cluster"]
    key: Annotated[str, "the hoster, AS or country that the clock is of"]
    clock: Annotated[ClockKind, "what it runs from"]
    origin: Annotated[datetime, "when it started"]
    known_up_at: Annotated[datetime, "first time it was known up there"]
    entered_h: Annotated[float, "hours since then at which it came under study (left truncation); 0: from the start"]
    left_h: Annotated[float, "last known up, hours since the origin; below 0: before it"]
    right_h: Annotated[float | None, "first confirmed not, hours since the origin; null: still running"]
    cause: Annotated[EndCause | None, "why it ended; null: running, or the hoster changed and not its customer"]
    timing: Annotated[Timing, "whether the end lies after the origin, before it, or in an interval that holds it"]
    notice_id: Annotated[str | None, "the notice that started it"]
    batch: Annotated[str | None, "the batch of that notice: a cluster too"]
    acknowledged_h: Annotated[float | None, "hours to the first answer to any notice about it; null: none"]
    reminders_h: Annotated[tuple[float, ...], "hours at which further notices and reminders arrived, in order"]
    indirect_h: Annotated[tuple[float, ...], "hours at which notices to upstream, operator or AS holder arrived"]
    citizens_before: Annotated[int, "citizens' notices that reached it before the origin; others may be unknown"]
    held_for_police: Annotated[bool, "whether removal was to wait for the police"]
    seen: Annotated[bool, "whether anybody but a bare report saw it up there before its end"] = True
    seen_by_check: Annotated[bool, "whether enough checks saw it up there before its end, not an analyst alone"] = True
    flap_left_h: Annotated[float | None, "last known up before a first removal of perhaps a day, hours"] = None
    flap_right_h: Annotated[float | None, "first check of that removal, hours since the origin; null: none"] = None
    kind: Annotated[str | None, "kind of the notice that started it; null: none did"] = None
    due_h: Annotated[float | None, "hours that the order, or the law, gave from the origin; null: neither did"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineRow:
    """Removals of one key by the deadlines of notices.

    Where neither the orders nor the law set one, the time to action stands in.
    """

    key: Annotated[str, "hoster key, AS number as AS13335, or ISO country code"]
    name: Annotated[str, "name for people"]
    kind: Annotated[str, "of the notice that started the clock"]
    clocks: Annotated[int, "clocks that such notices started while the content was up and under study"]
    due: Annotated[int, "of these, with a deadline that the order states or the law fixes"]
    due_h: Annotated[float | None, "median hours that they gave; null: none has a deadline"]
    met: Annotated[float | None, "share removed by the deadline, 0..1; null where not estimable"]
    met_low: Annotated[float | None, "lower end of its 95% interval"]
    met_high: Annotated[float | None, "upper end of its 95% interval"]
    surely: Annotated[int, "removed by the deadline, whenever in its interval that was"]
    missed: Annotated[int, "still up at the deadline"]
    action_h: Annotated[float | None, "of those without a deadline, hours until half was gone; null: not estimable"]
    action_h_low: Annotated[float | None, "lower end of its 95% interval"]
    action_h_high: Annotated[float | None, "upper end of its 95% interval; null: not known"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplianceRow:
    """Removals of one hoster within some hours of notice."""

    PUBLIC: ClassVar = {"rank_class": "class"}

    key: Annotated[str, "hoster key, AS number as AS13335, or ISO country code"]
    name: Annotated[str, "name for people"]
    week: Annotated[str | None, "ISO week of the clocks' origins, as 2026-W03; null: all weeks together"]
    within_h: Annotated[float, "hours since the origin"]
    clocks: Annotated[int, "clocks behind the share: those that started while it was up and was under study"]
    clusters: Annotated[int, "sites, or batches if fewer, among clocks that reach those hours or ended before"]
    removed: Annotated[
        float | None,
        "share removed within those hours, 0..1; null: not estimable, or worst and best case are far apart",
    ]
    removed_low: Annotated[float | None, "lower end of its 95% interval"]
    removed_high: Annotated[float | None, "upper end of its 95% interval"]
    removed_worst: Annotated[
        float | None, "share if nothing was removed that was out of sight, or that no check, or too few, saw up"
    ] = None
    removed_best: Annotated[float | None, "share if all of it was removed in time"] = None
    removed_or_moved: Annotated[float | None, "the same with leaving for another hoster counted too: upper bound"]
    first_down: Annotated[int, "clocks that ended at the first check: nobody but the report ever saw these URLs up"] = 0
    surely: Annotated[int, "clocks of content that a check saw up, removed within those hours in its whole interval"]
    possibly: Annotated[
        int,
        "clocks removed, if only unconfirmed, in an interval that begins within those hours, or then lost from sight",
    ]
    before: Annotated[int, "gone before the origin: no clocks; the removed ones are to its credit"]
    removed_before: Annotated[int, "of these, removed"]
    late: Annotated[int, "clocks that came under study after the origin: left out of the share"]
    rank_class: Annotated[RankClass, "ranked, or why no share is given"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplianceTrend:
    """Weekly change of the share removed in time."""

    PUBLIC: ClassVar = {"rank_class": "class"}

    key: Annotated[str, "hoster key, AS number as AS13335, or ISO country code"]
    name: Annotated[str, "name for people"]
    within_h: Annotated[float, "hours since the origin"]
    first_week: Annotated[str | None, "first ISO week with a clock"]
    last_week: Annotated[str | None, "last ISO week with a clock"]
    weeks: Annotated[int, "weeks with clocks that tell about those hours"]
    clusters: Annotated[int, "sites, or batches if fewer, of the clocks"]
    slope: Annotated[float | None, "change of the share a week, -1..1; null where not estimable"]
    slope_low: Annotated[float | None, "lower end of its 95% interval, clusters resampled"]
    slope_high: Annotated[float | None, "upper end of its 95% interval"]
    rank_class: Annotated[RankClass, "ranked, or why no share is given"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnRow:
    """First removal, state and durable removal of one key."""

    key: Annotated[str, "hoster key, AS number as AS13335, or ISO country code"]
    name: Annotated[str, "name for people"]
    reports: Annotated[int, "reports"]
    removed_24h: Annotated[float | None, "share first removed within 24 h, back or not; null where not estimable"]
    removed_24h_low: Annotated[float | None, "lower end of its 95% interval; null: too few days"]
    removed_24h_high: Annotated[float | None, "upper end of its 95% interval, unconfirmed removals included"]
    removed_24h_worst: Annotated[float | None, "share if nothing out of sight was removed"]
    removed_24h_best: Annotated[float | None, "share if all of it was, unconfirmed removals included"]
    gone_24h: Annotated[float | None, "share removed and not up there at 24 h, where that is known"]
    gone_24h_low: Annotated[float | None, "lower end of its 95% interval"]
    gone_24h_high: Annotated[float | None, "upper end of its 95% interval"]
    gone_24h_worst: Annotated[float | None, "share if what nobody knows of was there at 24 h"]
    gone_24h_best: Annotated[float | None, "share if it was removed and away"]
    reports_30d: Annotated[int, "reports followed for 30 days and 24 h"]
    durable_30d: Annotated[float | None, "share of these removed within 24 h and back nowhere known for 30 days"]
    durable_30d_low: Annotated[float | None, "lower end of its 95% interval"]
    durable_30d_high: Annotated[float | None, "upper end of its 95% interval"]
    durable_30d_worst: Annotated[float | None, "share if what nobody knows of was not removed within 24 h"]
    durable_30d_best: Annotated[float | None, "share if it was"]
    reports_90d: Annotated[int, "reports followed for 90 days and 24 h"]
    durable_90d: Annotated[float | None, "the same for 90 days"]
    durable_90d_low: Annotated[float | None, "lower end of its 95% interval"]
    durable_90d_high: Annotated[float | None, "upper end of its 95% interval"]
    durable_90d_worst: Annotated[float | None, "the same, if what nobody knows of was not removed within 24 h"]
    durable_90d_best: Annotated[float | None, "the same, if it was"]
    removals: Annotated[int, "removals at any time that were followed for 30 days"]
    back_here: Annotated[int, "of these, content back at the same key within 30 days: no hop"]
    back_elsewhere: Annotated[int, "of these, content back elsewhere alone"]
    flaps: Annotated[int, "reports after which it was seen removed and back before that was confirmed"]
    look_gap_h: Annotated[float | None, "hours between checks in the middle: what was away for less may be in no share"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeEffect:
    """The ratio of removal after a change to before."""

    what: Annotated[str, "the change"]
    ratio: Annotated[float | None, "hazard of removal after it against before; null: refused, or there is none"]
    low: Annotated[float | None, "lower end of its 95% interval, by clusters"]
    high: Annotated[float | None, "upper end of its 95% interval"]
    p: Annotated[float | None, "p value of no difference, two-sided; null: refused"]
    clocks: Annotated[int, "clocks with time after the change"]
    clusters: Annotated[int, "their clusters: sites, or batches if these are worth fewer"]
    of_clocks: Annotated[int, "clocks that are compared, those before the change alone among them"]
    of_clusters: Annotated[int, "their clusters"]
    refusal: Annotated[str | None, "why there is no number"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """A URL still up after a notice without an answer."""

    key: Annotated[str, "the hoster"]
    name: Annotated[str, "name for people"]
    url_id: Annotated[str, "the URL"]
    notice_id: Annotated[str, "the notice that started the clock"]
    batch: Annotated[str | None, "the batch of that notice"]
    origin: Annotated[datetime, "when it was delivered"]
    up_h: Annotated[float, "hours since then at which it was last known up"]
    ended: Annotated[EndCause | None, "why it ended after that; null: still running"]
    reminders: Annotated[int, "further notices and reminders that arrived"]
    held_for_police: Annotated[bool, "whether removal was to wait for the police"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """Content that is up after the time a notice gave."""

    key: Annotated[str, "the hoster"]
    name: Annotated[str, "name for people"]
    reference: Annotated[str | None, "the source's own number of the case; null: it gave none"]
    url_id: Annotated[str, "the URL"]
    kind: Annotated[str, "of the notice: ntd, legal_order, nl_order, tco, dsa or citizen"]
    notice_id: Annotated[str, "the notice that the time runs from"]
    batch: Annotated[str | None, "its batch"]
    notified_at: Annotated[datetime, "when it arrived; when it was sent, if no arrival is known"]
    deadline_h: Annotated[float, "hours that it gave"]
    deadline: Annotated[Deadline, "who gave them: the order, the law, or asked: the sender alone"]
    late_h: Annotated[float, "hours from the deadline to last_up: late by at least so much"]
    last_up: Annotated[datetime, "last time it was known up there, by checks before the last judge.freeze_s seconds"]
    reminders: Annotated[int, "further notices to it since: by arrival, or by sending if none is known"]
    acknowledged: Annotated[bool, "whether the hoster answered"]
    held_for_police: Annotated[bool, "whether removal was to wait for the police: no reminder then"]
    sender: Annotated[str, "who sent the notice"]
    recipient: Annotated[str, "whom the notice went to, as its file said: a key or an AS"]
    sent_at: Annotated[datetime, "when the notice was sent"]
    due_at: Annotated[datetime | None, "when its order says that it must be gone; null: it states no time"]
    acknowledged_at: Annotated[datetime | None, "when the hoster answered this notice; null: no answer known"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseShare:
    """Share of one hoster's clocks ended by one cause.

    Within some hours.
    """

    cause: Annotated[
        str, "removed, moved, name, network, seized, lost, registrar_hold, registry_hold, deleted or expired"
    ]
    within_h: Annotated[float, "hours since the origin"]
    share: Annotated[
        float | None,
        "cumulative incidence, 0..1, URLs first found down among them; null: the clocks do not give one number",
    ]
    low: Annotated[float | None, "lower end of its 95% interval"]
    high: Annotated[float | None, "upper end of its 95% interval"]
    actor: Annotated[str, "whose act the cause is: hoster, registrar, registry, owner, police, nobody known"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorShare:
    """Share of one key's clocks ended by one actor."""

    key: Annotated[str, "hoster, AS, country, registrar or another key; all: every clock"]
    name: Annotated[str, "name for people"]
    actor: Annotated[str, "hoster, registrar, registry, owner, police, or nobody known"]
    within_h: Annotated[float, "hours since the origin"]
    clocks: Annotated[int, "clocks of the key"]
    ended: Annotated[int, "of these, ended by the actor at any time; URLs first found down are among them"]
    share: Annotated[float | None, "cumulative incidence, 0..1; null where the clocks do not tell"]
    low: Annotated[float | None, "lower end of its 95% interval; null: too few days"]
    high: Annotated[float | None, "upper end of its 95% interval"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """Duration of one hoster's clocks until any end."""

    clocks: Annotated[int, "clocks under study from their start: those of the median"]
    median_h: Annotated[float | None, "hours until half had ended; null: not seen, or too few"]
    median_low: Annotated[float | None, "lower end of its 95% interval"]
    median_high: Annotated[float | None, "upper end; null: later than anything was followed"]
    late: Annotated[int, "clocks that came under study later: the mean takes them from their entry on"]
    within_h: Annotated[float, "hours at which the mean stops counting"]
    mean_h: Annotated[
        float | None, "mean hours until the end or `within_h`; null: too few followed so long, or hours nobody saw"
    ]
    mean_low: Annotated[float | None, "lower end of its 95% interval"]
    mean_high: Annotated[float | None, "upper end of its 95% interval"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One URL at one hoster, by id.

    A row of a fact sheet.
    """

    url_id: Annotated[str, "the URL"]
    site_id: Annotated[str, "its registrable domain"]
    state: Annotated[str, "up, gone, or unknown: running when it was lost from sight"]
    clock: Annotated[ClockKind, "what its clock runs from"]
    origin: Annotated[datetime | None, "when that started; null: nothing started it"]
    left_h: Annotated[float | None, "last known up, hours since the origin; below 0: before it"]
    right_h: Annotated[float | None, "first confirmed not, hours since the origin; null: still running"]
    last_up: Annotated[datetime, "last time it was known up there"]
    first_down: Annotated[datetime | None, "first confirmed check that saw it down or elsewhere"]
    cause: Annotated[EndCause | None, "why it ended"]
    timing: Annotated[
        Timing | None, "whether the end lies after the origin, before it, or in an interval that holds it"
    ]
    notices: Annotated[int, "notices about it to this hoster that were not returned, reminders too"]
    acknowledged: Annotated[bool, "whether the hoster answered one of them"]


Matched = Literal["matched", "date differs", "only theirs", "only ours", "duplicate", "unreadable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """One row of a hoster's own list compared with ours.

    Or one of ours that the list lacks.
    """

    line: Annotated[int | None, "line of their file; null: only ours"]
    url_id: Annotated[str | None, "the URL; null: their line is unreadable"]
    result: Annotated[Matched, "what was found"]
    days: Annotated[int | None, "their date less the nearest of ours, days; null: one of the two is not known"]
    their_date: Annotated[str | None, "the day that their line names, ISO"]
    our_date: Annotated[str | None, "the nearest day on which we told them, else on which it was reported, ISO (UTC)"]
    told: Annotated[bool, "whether we sent them a notice about it"]
    channel_agrees: Annotated[bool | None, "whether their channel is that of our notice; null: one is not known"]
    known: Annotated[bool, "whether the study knows the URL at all, if only at another hoster"]
    first_line: Annotated[int | None, "of a duplicate: the line that says the same first"]
    reason: Annotated[str | None, "of an unreadable line: why"]
