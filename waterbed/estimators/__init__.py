"""Estimators: arrays in, numbers out, independent of any measurement."""
