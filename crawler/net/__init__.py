"""Everything that opens a socket: guard, politeness, TLS, HTTP."""
