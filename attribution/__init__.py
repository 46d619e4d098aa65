"""Who answered for an address on a day: pure rules."""
