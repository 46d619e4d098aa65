"""Tests of record/coding."""
