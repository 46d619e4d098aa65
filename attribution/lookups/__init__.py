"""The only doors to DNS and dated address tables."""
