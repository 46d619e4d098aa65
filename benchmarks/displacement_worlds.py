"""Every displacement test in every world without displacement, what they avoid, and their power."""

import displacement_areas as areas
import displacement_moves as moves
import displacement_series as series

KINDS = (
    "plain",
    "campaigns",
    "mirrors",
    "feed change",
    "search effort",
    "one 93% site",
    "autocorrelated shocks",
)
TESTS = (
    ("difference, clustered", areas.difference),
    ("total net effect", areas.net_effect),
    ("quotient", areas.quotient),
    ("destination null, maxT", moves.destinations),
    ("timing null, maxT", moves.timings),
    ("excess reappearance", moves.reappearing),
    ("placebo units", series.by_units),
    ("placebo windows", series.by_windows),
    ("staggered, overall", series.staggered),
    ("staggered, any age", lambda kind: series.staggered(kind, ages=True)),
)

NULLS = [(name, kind, test(kind)) for name, test in TESTS for kind in KINDS]
"""Test, world, and a function from a generator to p, to p with and without ties broken by chance, or to a refusal."""

CAUTIOUS = ("staggered, overall",)
"""Tests whose p is the greater of two: they may reject more seldom than they say."""

WARNINGS = [
    ("difference, Poisson variance", "plain", areas.poisson_variance),
    ("difference, triggered finds", "search effort", areas.difference("search effort", triggered=True, sites=2000)),
    ("difference, clustered", "the target's own shocks", areas.own_shocks),
    ("destination, searched at home", "search effort", moves.searched_at_home),
    ("timing, whatever the age", "mirrors", moves.week_alone),
    ("timing, triggered finds", "search effort", moves.late_searches),
    ("excess, triggered finds", "search effort", moves.reappearing("search effort", triggered=True)),
]
"""What the tests are made to avoid."""

POWER = [
    ("difference, clustered", "all 200 go, 60 arrive", areas.pressed),
    ("difference, buffer alone", "60 of 200 arrive", areas.buffer_alone),
    ("destination null, maxT", "60 of 200 to one place", moves.moved_to_one_place),
    ("timing null, maxT", "60 of 200 within a day", moves.arrived_soon),
    ("excess reappearance", "60 of 200 within two weeks", moves.came_back),
    ("placebo units", "60 more in six periods on 30", series.by_units("plain", 10.0, 5.0)),
    ("placebo windows", "60 more in six periods on 30", series.by_windows("plain", 10.0, 5.0)),
    ("staggered, overall", "3 of 10 each at 20 hosters", series.returned),
]
"""30% of 200 takedowns displaced, all of it detected."""
