"""RDAP and WHOIS: answers, bootstrap and query plan."""
