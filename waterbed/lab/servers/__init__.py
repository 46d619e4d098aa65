"""DNS, HTTP, RDAP, proxy servers on loopback."""
