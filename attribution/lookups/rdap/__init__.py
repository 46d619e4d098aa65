"""RDAP/WHOIS answers, bootstrap, what must be asked."""
