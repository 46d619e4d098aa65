"""DNS queries and answers."""
