"""The facts that conclusions are drawn from, read at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from waterbed.model.bookkeeping import Delivery, QuarantineDecision
from waterbed.model.facts import CanaryLook, ControlLook, Notice, Observation, Report, Resolution, Target
from waterbed.store.sql import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts that conclusions are drawn from; looks sorted by URL and time."""

    targets: Mapping[str, Target]
    reports: Sequence[Report]
    looks: Sequence[Observation]
    resolutions: Mapping[str, Resolution]
    controls: Mapping[str, ControlLook]
    canaries: Sequence[CanaryLook]
    deliveries: Sequence[Delivery] = ()
    decisions: Sequence[QuarantineDecision] = ()
    notices: Sequence[Notice] = ()


def read_facts(store: Store) -> Facts:
    """Read all facts of a study, each table once."""
    return Facts(
        targets={target.url_id: target for target in store.all(Target)},
        reports=store.all(Report),
        looks=store.all(Observation, order=("url_id", "observed_at")),
        resolutions={resolution.resolution_id: resolution for resolution in store.all(Resolution)},
        controls={control.control_id: control for control in store.all(ControlLook)},
        canaries=store.all(CanaryLook),
        deliveries=store.all(Delivery),
        decisions=store.all(QuarantineDecision),
        notices=store.all(Notice),
    )
