"""A simulated Internet on loopback, with known truth."""
