"""The declaration of an event, in words."""

from datetime import UTC

from waterbed.graphs.displacement.event import Event
from waterbed.graphs.displacement.findings import Findings
from waterbed.model.spelling import percent


def declared(event: Event, names: Findings) -> list[tuple[str, str]]:
    """Describe an event file line by line."""

    def named(keys: tuple[str, ...]) -> str:
        labels = [f"{names.names.get(key, key)} ({key})" for key in keys if names.disclosure.names(key)]
        unnamed = len(keys) - len(labels)
        return (
            ", ".join([*labels, *([f"{unnamed} that {'is' if unnamed == 1 else 'are'} not named"] if unnamed else [])])
            or "none"
        )

    def spans(detection: tuple[float, float]) -> str:
        return f"{percent(detection[0])} to {percent(detection[1])}"

    public = [("Made public in", event.public_source)] if event.public_source else []
    return [
        *public,
        ("Target", named((event.target,))),
        ("Event, UTC", f"{event.at:%Y-%m-%d %H:%M}"),
        ("Areas chosen with data until, UTC", f"{event.chosen_until.astimezone(UTC):%Y-%m-%d %H:%M}"),
        ("Controls", named(event.controls)),
        ("Buffer", named(event.buffer)),
        ("Controls of the buffer", named(event.buffer_controls)),
        (
            "Windows",
            f"{event.before} periods of {event.period_h:g} h before, {event.after} after, {event.anticipation} between",
        ),
        ("What is counted", event.outcome),
        ("Effort", event.effort),
        ("Categories", ", ".join(event.categories) or "all"),
        ("Sources", ", ".join(event.sources) or "all"),
        ("Tested first, that the target fell", event.fall),
        ("Primary outcome", event.primary),
        ("Secondary outcomes", "; ".join(event.secondary) or "none"),
        ("Read on, UTC", ", ".join(f"{when:%Y-%m-%d %H:%M}" for when in event.reads) or "no date declared"),
        (
            "Detection",
            f"home {spans(event.detection.home)}, abroad {spans(event.detection.abroad)}"
            if event.detection
            else "not stated",
        ),
    ]
