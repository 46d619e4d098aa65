"""Plain values: facts, decisions, conclusions."""
