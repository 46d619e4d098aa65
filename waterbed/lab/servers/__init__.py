"""DNS, HTTP, RDAP and proxy servers on loopback."""
