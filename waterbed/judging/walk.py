"""Judges looks by kind: what was judged once is remembered.

Two looks are of one kind if no rule can tell them apart. After the same past, looks of one kind get the same verdict
and leave the same past. So the definition (`judge_next`) is asked once for each past and kind, whatever the number of
looks.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from waterbed.judging.features import Canary, Past, look_features
from waterbed.judging.judge import Beside, judge_next
from waterbed.judging.rules import RuleSet
from waterbed.model.conclusions import Verdict
from waterbed.model.facts import ControlLook, Observation

_REMEMBERED: Final = 1_000_000
"""Steps that are remembered, at most; then all are forgotten."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NEIGHBOURS: Final = 8
"""Status classes are smaller."""


class Kind(NamedTuple):
    """All that rules can see of one look.

    Lengths, ETags, public keys and the answers of controls are numbered within the URL, in the order of their first
    appearance: what they are means nothing, whether they agree does. Of most features of a control there is only how
    they compare with the look's: 0 not stated, 1 equal, 2 another.
    """

    phase: str
    failure: str | None
    status: int | None
    method: str | None
    marks: str
    redirect: str | None
    profile: str
    head_status: int | None
    link_check: bool
    link_exists: bool | None
    authenticated: bool | None
    media_type: str | None
    length: int | None
    etag: int | None
    key: int | None
    control_answer: int | None
    """Of a control that was answered with 2xx or 3xx."""
    site: bool
    """Whether the redirect leads to a site."""
    no_tls: bool
    certified: bool
    tls_problem: str | None
    tls_trust: str | None
    tags: str
    canary: str
    host_class: int | None
    controlled: bool
    control_failed: bool
    control_status: int | None
    control_here: bool
    """Whether the control was seen from the look's vantage."""
    unstable: str
    control_redirect: str | None
    control_site: int
    control_type: int
    control_length: int
    control_etag: int

    def look(self) -> Observation:
        """A look of this kind."""
        return Observation(
            observation_id="",
            url_id="",
            run_id="",
            vantage="here",
            scheduled_at=EPOCH,
            observed_at=EPOCH,
            resolution_id=None,
            profile=self.profile,  # type: ignore[arg-type]
            method=self.method,
            address=None,
            port=None,
            phase=self.phase,  # type: ignore[arg-type]
            failure=self.failure,
            status=self.status,
            media_type=self.media_type,
            content_length=self.length,
            etag_id=None if self.etag is None else str(self.etag),
            last_modified_id=None,
            server=None,
            marks=words(self.marks),
            redirect=self.redirect,
            redirect_url_id=None,
            redirect_site_id="a" if self.site else None,
            steps=0,
            retry_after_s=None,
            tls_version=None if self.no_tls else "1.3",
            tls_problem=self.tls_problem,
            certificate_id="a" if self.certified else None,
            public_key_id=None if self.key is None else str(self.key),
            control_id=None,
            bytes_read=0,
            connect_ms=None,
            head_ms=None,
            head_status=self.head_status,
            link_check="a" if self.link_check else None,
            link_exists=self.link_exists,
            authenticated=self.authenticated,
            tls_trust=self.tls_trust,
        )

    def beside(self, neighbour_class: int | None) -> Beside:
        """The other inputs of its verdict."""
        look, canary = self.look(), self.canary
        control = ControlLook(
            control_id="",
            host_id="",
            run_id="",
            vantage="here" if self.control_here else "there",
            observed_at=EPOCH,
            failure="" if self.control_failed else None,
            status=self.control_status,
            media_type=_of(self.control_type, look.media_type, "another"),
            content_length=_of(self.control_length, look.content_length, -1),
            etag_id=_of(self.control_etag, look.etag_id, "another"),
            redirect=self.control_redirect,
            redirect_site_id=_of(self.control_site, look.redirect_site_id, "another"),
            unstable=words(self.unstable),
        )
        return Beside(
            control=control if self.controlled else None,
            control_answer=self.control_answer,
            canary=canary,  # type: ignore[arg-type]
            tags=words(self.tags),
            host_class=self.host_class,
            neighbour_class=neighbour_class,
        )


CANARIES: Final[tuple[Canary, ...]] = ("none", "ok", "failed")


def words(joined: str) -> tuple[str, ...]:
    """The words of a text in which spaces separate them."""
    return tuple(joined.split())


def _of(relation: int, looked: Any, another: Any) -> Any:
    return (None, looked, another)[relation]


class Walk:
    """Walks through the looks of URLs; the same rules throughout."""

    def __init__(self, rules: RuleSet) -> None:
        """Start with nothing judged."""
        self.rules = rules
        self.verdicts: list[Verdict] = []
        """Verdicts without look, URL and time, by number."""
        self._numbers: dict[Verdict, int] = {}
        self._kinds: list[Kind] = []
        self._kind_numbers: dict[Kind, int] = {}
        self._answered: list[bool] = []
        self._pasts: list[Past] = [Past()]
        self._past_numbers: dict[tuple[Any, ...], int] = {_state(Past()): 0}
        self._steps: dict[tuple[int, int], tuple[int, int]] = {}

    @property
    def link_checked(self) -> bool:
        """True if a hoster's link check decided a look."""
        own = self.rules.of_link_checks
        return any(verdict.rule.partition("+")[0] in own for verdict in self.verdicts)

    def kinds(self, found: Sequence[Kind]) -> NDArray[Any]:
        """The number of each kind."""
        for kind in found:
            if kind not in self._kind_numbers:
                self._kind_numbers[kind] = len(self._kinds)
                self._kinds.append(kind)
        return np.array([self._kind_numbers[kind] for kind in found], np.int64)

    def judge(self, urls: NDArray[Any], kinds: NDArray[Any], neighbours: NDArray[Any]) -> NDArray[Any]:
        """The number of each look's verdict.

        `urls` numbers the URL of each look; looks of one URL are together and in time order. `neighbours` is the status
        class of the address's neighbours, 0 without one.
        """
        if not len(urls):
            return np.zeros(0, np.int32)
        codes = kinds * _NEIGHBOURS + neighbours
        new_url = np.concatenate(([True], urls[1:] != urls[:-1]))
        starts = np.flatnonzero(new_url | np.concatenate(([True], codes[1:] != codes[:-1])))
        counts = np.diff(starts, append=len(urls))
        verdicts, lengths = [], []
        past, steps = 0, self._steps
        for first, code, count in zip(new_url[starts].tolist(), codes[starts].tolist(), counts.tolist(), strict=True):
            if first:
                past = 0
            left = count
            while left:
                verdict, after = steps.get((past, code)) or self._step(past, code)
                alike = left if after == past else 1
                verdicts.append(verdict)
                lengths.append(alike)
                left -= alike
                past = after
        return np.repeat(np.array(verdicts, np.int32), lengths)

    def features(
        self, urls: NDArray[Any], kinds: NDArray[Any], neighbours: NDArray[Any], places: NDArray[Any]
    ) -> list[dict[str, Any]]:
        """The features that rules test, of some looks.

        Of those at `places`, in ascending order; the rest as for `judge`.
        """
        codes, asked = kinds * _NEIGHBOURS + neighbours, np.zeros(len(urls) + 1, bool)
        asked[places] = True
        new_url = np.concatenate(([True], urls[1:] != urls[:-1]))
        changed = new_url | np.concatenate(([True], codes[1:] != codes[:-1])) | asked[:-1]
        changed[1:] |= asked[:-2]
        starts = np.flatnonzero(changed)
        columns = (new_url[starts], codes[starts], np.diff(starts, append=len(urls)), asked[starts])
        found, past = [], 0
        for first, code, left, wanted in zip(*(column.tolist() for column in columns), strict=True):
            past = 0 if first else past
            if wanted:
                found.append(self._features(past, code))
            for _ in range(left):
                _, after = self._steps.get((past, code)) or self._step(past, code)
                if after == past:
                    break
                past = after
        return found

    def _features(self, before: int, code: int) -> dict[str, Any]:
        kind, neighbour = divmod(code, _NEIGHBOURS)
        past, look = _copied(self._pasts[before]), self._kinds[kind].look()
        beside = self._kinds[kind].beside(neighbour or None)
        beside.enter(past)
        return look_features(
            look,
            beside.control,
            canary=beside.canary,
            differed_before=past.differed(look, beside.control),
            past=past,
            tags=beside.tags,
        )

    def _step(self, before: int, code: int) -> tuple[int, int]:
        """Judge a look of this kind after this past."""
        kind, neighbour = divmod(code, _NEIGHBOURS)
        past = _copied(self._pasts[before])
        verdict = judge_next(self._kinds[kind].look(), self._kinds[kind].beside(neighbour or None), past, self.rules)
        if len(self._steps) >= _REMEMBERED:
            self._forget()
        after = self._past_number(past)
        step = self._steps[before, code] = self.number(verdict), after
        return step

    def _forget(self) -> None:
        """Forget all pasts; the one that the caller goes on with gets a new number."""
        self._steps.clear()
        self._pasts[1:] = []
        self._past_numbers = {_state(self._pasts[0]): 0}

    def number(self, verdict: Verdict) -> int:
        """The number of a verdict without look, URL and time."""
        known = self._numbers.get(verdict)
        if known is None:
            known = self._numbers[verdict] = len(self.verdicts)
            self.verdicts.append(verdict)
        return known

    def _past_number(self, past: Past) -> int:
        state = _state(past)
        known = self._past_numbers.get(state)
        if known is None:
            known = self._past_numbers[state] = len(self._pasts)
            self._pasts.append(past)
        return known

    def answered(self) -> NDArray[Any]:
        """For each kind: whether the server answered anything."""
        return np.array([kind.status is not None or kind.head_status is not None for kind in self._kinds], bool)


def _state(past: Past) -> tuple[Any, ...]:
    """What later verdicts depend on.

    Once a page varies, nothing more is said by it.
    """
    page = ("varies",) if past.varies else (past.page, past.same_pages, past.changed_once)
    return (
        frozenset(past.differed_in),
        past.control_class,
        past.answered,
        frozenset(past.controls),
        frozenset(past.types),
        frozenset(past.redirects),
        page,
        past.trusted,
        frozenset(past.keys),
        past.trust_asked,
    )


def _copied(past: Past) -> Past:
    return Past(
        differed_in=set(past.differed_in),
        control_class=past.control_class,
        answered=past.answered,
        controls=set(past.controls),
        types=set(past.types),
        redirects=set(past.redirects),
        page=past.page,
        same_pages=past.same_pages,
        changed_once=past.changed_once,
        varies=past.varies,
        trusted=past.trusted,
        keys=set(past.keys),
        trust_asked=past.trust_asked,
    )
