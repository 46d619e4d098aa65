"""Tests of attribution/lookups/dns."""
