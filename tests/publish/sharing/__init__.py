"""Tests of publish/sharing."""
