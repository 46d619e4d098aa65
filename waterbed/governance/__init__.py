"""Decisions of people, on record: keys, hosters, quarantines, replies."""
