"""Exports for partners, and pools of them."""
