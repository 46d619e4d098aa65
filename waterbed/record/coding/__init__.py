"""Doubtful cases, coded by two people each."""
