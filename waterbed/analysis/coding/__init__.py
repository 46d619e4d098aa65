"""Doubtful cases, double coding, agreement."""
