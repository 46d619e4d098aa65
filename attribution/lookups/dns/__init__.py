"""The one home of DNS."""
