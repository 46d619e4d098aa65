"""Times to an end, each known between two checks."""
