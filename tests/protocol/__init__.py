"""Tests of the protocol: the file, the lock, what deviates from it."""
