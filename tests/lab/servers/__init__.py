"""Tests of lab/servers."""
