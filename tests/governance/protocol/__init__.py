"""Tests of governance/protocol."""
