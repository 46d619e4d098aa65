"""Tests of packages: frozen, verified, reproduced."""
