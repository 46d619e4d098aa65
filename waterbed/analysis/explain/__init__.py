"""Explanations: the chain behind a URL, address, hoster or link."""
