"""Tests of crawler/net."""
