"""The same content over HTTP."""
