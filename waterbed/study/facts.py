"""The facts behind all conclusions, read at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from waterbed.model.bookkeeping import Delivery, QuarantineDecision
from waterbed.model.decisions import Coding
from waterbed.model.facts import (
    CanaryLook,
    ControlLook,
    ExternalObservation,
    Notice,
    Observation,
    Report,
    Resolution,
    Target,
)
from waterbed.store.folder import Folder
from waterbed.store.lake.reading import facts_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts behind all conclusions.

    Observations are sorted by URL and time.
    """

    targets: Mapping[str, Target]
    reports: Sequence[Report]
    looks: Sequence[Observation]
    resolutions: Mapping[str, Resolution]
    controls: Mapping[str, ControlLook]
    canaries: Sequence[CanaryLook]
    deliveries: Sequence[Delivery] = ()
    decisions: Sequence[QuarantineDecision] = ()
    notices: Sequence[Notice] = ()
    external_observations: Sequence[ExternalObservation] = ()
    codings: Sequence[Coding] = ()


def read_facts(folder: Folder) -> Facts:
    """Read all facts of a study, each table once.

    Sealed days come from the lake, all others from the store. Each in an order of its own: conclusions are the same in
    either database.
    """
    resolutions, controls = facts_of(folder, Resolution), facts_of(folder, ControlLook)
    return Facts(
        targets={target.url_id: target for target in facts_of(folder, Target, order=("added_at",))},
        reports=facts_of(folder, Report, order=("received_at",)),
        looks=facts_of(folder, Observation, order=("url_id", "observed_at")),
        resolutions={resolution.resolution_id: resolution for resolution in resolutions},
        controls={control.control_id: control for control in controls},
        canaries=facts_of(folder, CanaryLook, order=("observed_at",)),
        deliveries=facts_of(folder, Delivery, order=("received_at",)),
        decisions=facts_of(folder, QuarantineDecision, order=("decided_at",)),
        notices=facts_of(folder, Notice, order=("received_at",)),
        external_observations=facts_of(folder, ExternalObservation, order=("received_at",)),
        codings=facts_of(folder, Coding, order=("coded_at",)),
    )
