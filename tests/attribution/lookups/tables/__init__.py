"""Tests of attribution/lookups/tables."""
