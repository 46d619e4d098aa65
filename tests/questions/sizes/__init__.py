"""Tests of questions/sizes."""
