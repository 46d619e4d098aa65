"""Facts to verdicts, by ordered rules; no I/O."""
