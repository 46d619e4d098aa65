"""Observations become verdicts, by ordered rules; no I/O."""
