"""Displacement around an event: event in, answers out; pure."""
