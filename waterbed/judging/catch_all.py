"""How hosts and addresses answer random paths: who answers them all says nothing by answering."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from waterbed.model.facts import ControlLook, Observation
from waterbed.model.urls import network_of


def _usable(control: ControlLook) -> bool:
    return control.failure is None and control.status is not None and "status" not in control.unstable


class AnswersOfHosts:
    """The status classes with which each host answered random paths over time."""

    def __init__(self, controls: Iterable[ControlLook]) -> None:
        """Take all control looks."""
        self._times: dict[str, list[datetime]] = defaultdict(list)
        self._classes: dict[str, list[int]] = defaultdict(list)
        for control in sorted(controls, key=lambda control: control.observed_at):
            if _usable(control) and control.status is not None:
                self._times[control.host_id].append(control.observed_at)
                self._classes[control.host_id].append(control.status // 100)

    def last_class(self, host_id: str, before: datetime) -> int | None:
        """The status class of the host's last usable control up to a time."""
        if host_id not in self._times:
            return None
        place = bisect_right(self._times[host_id], before)
        return self._classes[host_id][place - 1] if place else None


_NEIGHBOURS = 3
"""Hosts of a network that must have been asked before it says something of one that was not."""


class AnswersOfAddresses:
    """The status class with which most hosts at an address, or in its network, answer random paths.

    In the strict profile no random path is asked, and a server that answers everything would look up for ever. Hosts
    that share its address are mostly served alike, those in its network often, and some of them were asked.
    """

    def __init__(self, looks: Iterable[Observation], controls: Mapping[str, ControlLook]) -> None:
        """Take all looks, for where each control was asked, and all control looks."""
        newest: dict[str, dict[str, ControlLook]] = defaultdict(dict)
        for look in looks:
            control = controls.get(look.control_id) if look.control_id else None
            if control is None or look.address is None or not _usable(control):
                continue
            for place in (look.address, network_of(look.address)):
                known = newest[place].get(control.host_id)
                if known is None or known.observed_at < control.observed_at:
                    newest[place][control.host_id] = control
        self._usual: dict[str, int] = {}
        for place, of_host in newest.items():
            found, count = Counter((c.status or 0) // 100 for c in of_host.values()).most_common(1)[0]
            if 2 * count > len(of_host) and ("/" not in place or len(of_host) >= _NEIGHBOURS):
                self._usual[place] = found

    def usual_class(self, address: str | None) -> int | None:
        """The class of more than half of the hosts at the address, else in its network; None if there is none."""
        if address is None:
            return None
        return self._usual.get(address) or self._usual.get(network_of(address))
