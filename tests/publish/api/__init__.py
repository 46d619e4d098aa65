"""Tests of publish/api."""
