"""The published content over HTTP."""
