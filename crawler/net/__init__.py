"""Everything that opens a socket: guard, politeness, connection, TLS, HTTP."""
