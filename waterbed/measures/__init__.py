"""Measures that several questions ask for: clocks, shares, durations, rankings."""
