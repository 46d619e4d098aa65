"""Tests of lab/score."""
