"""Tests of attribution/lookups/rdap."""
