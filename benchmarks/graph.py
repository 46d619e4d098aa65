"""Measures of the hop graph over a million hops, beside plain loops over a NetworkX graph."""

import argparse
import sys
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import networkx as nx
import numpy as np
from figures import Figure, tell

from waterbed.graphs.network.communities import communities
from waterbed.graphs.network.concentration import concentration
from waterbed.graphs.network.measures import hop_matrix, net_flows, returns
from waterbed.graphs.network.moves import moves_of
from waterbed.graphs.network.paths import chains
from waterbed.graphs.network.weeks import abroad_shares, weeks
from waterbed.model.conclusions import Hop

TARGET_S = 30.0
HOSTERS, PER_CONTENT = 2000, 3
COUNTRIES = ("NL", "US", "DE", "RU", "FR", "SC")
START = datetime(2025, 1, 1, tzinfo=UTC)


def make_hops(number, seed):
    """Contents that wander among hosters of very unequal size for a year; four of ten hops are sequential."""
    rng = np.random.default_rng(seed)
    share = 1.0 / np.arange(1, HOSTERS + 1)
    content = np.sort(rng.integers(0, number // PER_CONTENT, number))
    place = rng.choice(HOSTERS, number + 1, p=share / share.sum())
    first = np.diff(content, prepend=-1) != 0
    day = np.cumsum(rng.exponential(2.0, number))
    day += (rng.uniform(0, 300, number) - day)[np.maximum.accumulate(np.where(first, np.arange(number), 0))]
    gone, seen = rng.uniform(0.01, 0.5, number), rng.uniform(-0.4, 1.0, number)
    known = rng.random(number) < 0.4
    hops, here = [], 0
    for at in range(number):
        origin = int(place[-1 - at]) if first[at] else here
        here = int(place[at]) if place[at] != origin else (origin + 1) % HOSTERS
        left = START + timedelta(days=float(day[at]))
        left_before = left + timedelta(days=float(gone[at]))
        arrived = left_before + timedelta(days=abs(float(seen[at])) if known[at] else float(seen[at]))
        order = "sequential" if known[at] else "parallel" if arrived <= left else "unknown"
        hops.append(
            Hop(
                content_id=f"c{content[at]}",
                from_url_id="u",
                to_url_id="v",
                from_hoster=f"h{origin:04}",
                to_hoster=f"h{here:04}",
                from_countries=(COUNTRIES[origin % 6],),
                to_countries=(COUNTRIES[here % 6],),
                left_after=left,
                left_before=left_before,
                arrived_after=left_before if known[at] else None,
                arrived_before=arrived,
                kind="copy",
                order=order,
                levels=("organisation",),
                evidence=("content_id",),
            )
        )
    return hops


def ours(hops, told):
    """All measures of `waterbed graph --table measures`, and the weeks; seconds and processor seconds of each."""

    def timed(name, work):
        wall, cpu = time.perf_counter(), time.process_time()
        done = work()
        told[name] = time.perf_counter() - wall, time.process_time() - cpu
        return done

    moves = timed("coding the hops", lambda: moves_of(hops))
    found = {
        "matrix": timed("hop matrix with bounds", lambda: hop_matrix(moves)),
        "net": timed("sinks and sources", lambda: net_flows(moves)),
        "returns": timed("returns", lambda: returns(moves)),
        "sure": timed("chains, surely", lambda: chains(moves, surely=True)),
    }
    timed("home and abroad", lambda: abroad_shares(hops, "NL"))
    timed("chains, possibly", lambda: chains(moves, surely=False))
    timed("concentration, 400 resamples", lambda: concentration(moves, np.random.default_rng(1)))
    timed("communities and 19 null graphs", lambda: communities(moves, np.random.default_rng(1)))
    timed("weeks", lambda: weeks(moves))
    return found


def plain(hops, told):
    """Four of the measures as loops over a MultiDiGraph."""
    wall, cpu = time.perf_counter(), time.process_time()
    graph = nx.MultiDiGraph()
    for hop in hops:
        if hop.order != "parallel":
            graph.add_edge(hop.from_hoster, hop.to_hoster, hop=hop)
    told["building the graph"] = time.perf_counter() - wall, time.process_time() - cpu
    wall, cpu = time.perf_counter(), time.process_time()
    cells = Counter((a, b) for a, b in graph.edges())
    told["hop matrix, no bounds"] = time.perf_counter() - wall, time.process_time() - cpu
    wall, cpu = time.perf_counter(), time.process_time()
    net = {node: graph.in_degree(node) - graph.out_degree(node) for node in graph}
    told["sinks and sources, no bounds"] = time.perf_counter() - wall, time.process_time() - cpu
    wall, cpu = time.perf_counter(), time.process_time()
    of_content = defaultdict(list)
    for _, _, hop in graph.edges(data="hop"):
        of_content[hop.content_id].append(hop)
    back = chained = 0
    for own in of_content.values():
        sure = [hop for hop in own if hop.order == "sequential"]
        back += sum(
            any(one.from_hoster == hop.to_hoster and one.left_before <= hop.arrived_after for one in sure)
            for hop in sure
        )
        after = nx.DiGraph()
        after.add_nodes_from(range(len(sure)))
        after.add_edges_from(
            (i, j)
            for i, one in enumerate(sure)
            for j, hop in enumerate(sure)
            if one.to_hoster == hop.from_hoster and one.arrived_before <= hop.left_after
        )
        chained += bool(sure) and nx.dag_longest_path_length(after) >= 2
    told["sure returns and chains"] = time.perf_counter() - wall, time.process_time() - cpu
    return cells, net, back, chained


def show(title, told):
    print(f"\n{title}\n{'':34}{'s':>8}{'CPU s':>8}")
    for name, (wall, cpu) in told.items():
        print(f"{name:34}{wall:8.2f}{cpu:8.2f}")
    total = sum(wall for wall, _ in told.values()), sum(cpu for _, cpu in told.values())
    print(f"{'all':34}{total[0]:8.2f}{total[1]:8.2f}")
    return total


def disagreements(found, peer):
    """What both count must be equal."""
    cells, net, back, chained = peer
    matrix, flows = found["matrix"], found["net"]
    told = {
        (matrix.keys[a], matrix.keys[b]): n
        for a, b, n in zip(matrix.origin, matrix.destination, matrix.hops.tolist(), strict=True)
    }
    pairs = (
        ("hop matrix", told, dict(cells)),
        ("net flows", {k: n for k, n in zip(flows.keys, flows.net, strict=True) if k in net}, net),
        ("sure returns", found["returns"].surely, back),
        ("contents with a sure chain of 3", found["sure"].at_least(3), chained),
    )
    return [f"{name} differ" for name, one, other in pairs if one != other]


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--hops", type=int, default=1_000_000)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--target", type=float, default=TARGET_S, help="seconds for all of our measures")
    words.add_argument("--no-peer", action="store_true", help="ours alone, which needs less memory")
    asked = words.parse_args()
    hops = make_hops(asked.hops, asked.seed)
    print(f"{len(hops):,} hops of {len({hop.content_id for hop in hops}):,} contents between {HOSTERS:,} hosters")
    told, peer_told = {}, {}
    found = ours(hops, told)
    seconds, _ = show("ours, all measures", told)
    wrong = [] if seconds <= asked.target else [f"{seconds:.1f} s, and {asked.target:.0f} s are allowed"]
    if not asked.no_peer:
        wrong += disagreements(found, plain(hops, peer_told))
        theirs, _ = show("plain loops over a NetworkX graph, four measures", peer_told)
        tell(
            Figure(
                work="measures of the hop graph; the peer has four of them, without bounds",
                ours=seconds,
                peer=theirs,
                peer_name=f"loops over NetworkX {nx.__version__}",
                unit="s",
                value=seconds,
                bound="at most",
                target=asked.target,
            )
        )
    print("\n" + ("; ".join(wrong) or "target met; what both count is equal"))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
