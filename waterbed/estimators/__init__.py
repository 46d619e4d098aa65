"""Estimators: arrays in, numbers out, no word of what they count."""
