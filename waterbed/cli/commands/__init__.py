"""One file for each command or group of commands, with its own printing; each imports what it needs when called."""
