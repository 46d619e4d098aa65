"""Tests: one sentence each; real servers on loopback."""
