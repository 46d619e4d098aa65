"""The locked study protocol, and deviations from it."""
