"""A study that keeps going: passes on schedule, chores, health, metrics."""
