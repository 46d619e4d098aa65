"""Host, vantage and address at each look, vectorised."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from waterbed.judging.columns import NOTHING, Array, Columns
from waterbed.judging.judge import LEAST_NEIGHBOURS
from waterbed.judging.walk import CANARIES
from waterbed.model.codec import microseconds
from waterbed.model.facts import CanaryLook
from waterbed.model.urls import network_of

_OK, _FAILED = CANARIES.index("ok"), CANARIES.index("failed")


class CanaryStates:
    """Canary state at each look, as a place in `CANARIES`.

    See `waterbed.judging.judge.CanaryRecord`.
    """

    def __init__(self, canaries: Iterable[CanaryLook], *, within_s: float, need: float) -> None:
        """Take all canary looks."""
        by_vantage: dict[str, list[CanaryLook]] = defaultdict(list)
        for look in canaries:
            by_vantage[look.vantage].append(look)
        self._within = round(within_s * 1_000_000)
        self._own: dict[str, tuple[Array, Array]] = {}
        for vantage, own in by_vantage.items():
            own.sort(key=lambda look: look.observed_at)
            times = np.array([microseconds(look.observed_at) for look in own], np.int64)
            bad = np.array([not (look.targets > 0 and look.reached >= need * look.targets) for look in own])
            self._own[vantage] = times, np.concatenate(([0], np.cumsum(bad)))

    def at(self, columns: Columns, vantages: Sequence[str]) -> Array:
        """The state at each look."""
        states = np.zeros(len(columns), np.int8)
        for number, vantage in enumerate(vantages):
            mine = np.flatnonzero(columns.vantage == number)
            if vantage not in self._own or not len(mine):
                continue
            times, unhealthy = self._own[vantage]
            at, within = columns.at[mine], self._within
            first, last = np.searchsorted(times, at - within, "left"), np.searchsorted(times, at + within, "right")
            after, same = np.searchsorted(times, at, "right"), np.searchsorted(times, at, "left")
            begin, end = np.maximum(first, np.minimum(same, after - 1)), np.minimum(last, after + 1)
            failed = unhealthy[np.maximum(end, begin)] - unhealthy[begin] > 0
            between = (after > 0) & (same < len(times))
            before, next_ = np.maximum(after - 1, 0), np.minimum(same, len(times) - 1)
            bad = np.diff(unhealthy).astype(bool)
            between &= (times[next_] - times[before] <= 2 * within) & ~bad[before] & ~bad[next_]
            states[mine] = np.where(first == last, 0, np.where(failed, _FAILED, np.where(between, _OK, 0)))
        return states


class HostClasses:
    """Class of the host's last usable control, per look.

    Of those not after the look; 0 without one.
    """

    def __init__(self, hosts: Array, times: Array, classes: Array) -> None:
        """Take those of the controls, at least each that differs from the one before.

        Sorted by host and time.
        """
        self._hosts, self._classes, self._moments = hosts, classes, np.unique(times)
        self._keys = self._key(hosts, times)

    def at(self, host: Array, at: Array) -> Array:
        """The class at each look."""
        if not len(self._hosts):
            return np.zeros(len(host), np.int8)
        place = np.searchsorted(self._keys, self._key(host, at), "right") - 1
        known = (place >= 0) & (self._hosts[place] == host)
        return np.where(known, self._classes[place], 0).astype(np.int8)

    def _key(self, host: Array, at: Array) -> Array:
        return host.astype(np.int64) * (len(self._moments) + 1) + np.searchsorted(self._moments, at, "right")


class Neighbours:
    """Majority status class for random paths, by address and network.

    The strict profile requests no random path, so a server that answers every path would seem up for ever. Hosts that
    share its address are mostly served alike, those in its network often, and some of them have a control.
    """

    def __init__(self, newest: Iterable[tuple[str, int, int, str, int]]) -> None:
        """Take the newest usable control of each host at each address: address, host, time, id, class."""
        found: dict[str, dict[int, tuple[int, str, int]]] = defaultdict(dict)
        for address, host, at, control_id, status_class in newest:
            for network in (address, network_of(address)):
                known = found[network].get(host)
                if known is None or known[:2] < (at, control_id):
                    found[network][host] = at, control_id, status_class
        self._majority: dict[str, int] = {}
        for network, of_host in found.items():
            status_class, count = Counter(entry[2] for entry in of_host.values()).most_common(1)[0]
            if 2 * count > len(of_host) and ("/" not in network or len(of_host) >= LEAST_NEIGHBOURS):
                self._majority[network] = status_class

    def class_at(self, address: str | None) -> int:
        """Status class of most hosts there; 0 without a majority.

        At the address, else in its network.
        """
        if address is None:
            return 0
        return self._majority.get(address) or self._majority.get(network_of(address), 0)

    def classes(self, columns: Columns, addresses: Sequence[str], wanted: Array) -> Array:
        """The same for the wanted looks; 0 for all others."""
        found = np.zeros(len(columns), np.int8)
        numbers = columns.address[wanted]
        by_number: Mapping[int, int] = {
            number: self.class_at(addresses[number]) if number != NOTHING else 0
            for number in np.unique(numbers).tolist()
        }
        found[wanted] = [by_number[number] for number in numbers.tolist()]
        return found
