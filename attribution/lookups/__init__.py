"""DNS, RDAP, WHOIS and dated address tables."""
