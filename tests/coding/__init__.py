"""Tests of coding."""
