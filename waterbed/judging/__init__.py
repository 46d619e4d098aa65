"""From facts to verdicts, by ordered rules; no I/O."""
