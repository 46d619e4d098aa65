"""Tests of crawler/registry."""
