"""Tests of lab/simulate."""
