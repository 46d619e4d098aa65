"""Links between URLs that carry the same content."""
