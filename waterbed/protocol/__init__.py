"""The study's protocol: written before the data, locked, and held against every output."""
