"""Why: the chain behind a URL, address, hoster, link."""
