"""The chain behind a URL, address, hoster or link."""
