"""Whether an event removed content or moved it."""
