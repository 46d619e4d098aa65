"""RDAP and WHOIS: answers, bootstrap, what must be asked."""
