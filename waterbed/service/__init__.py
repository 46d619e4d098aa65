"""Continuous operation: passes on schedule, chores, health, metrics."""
