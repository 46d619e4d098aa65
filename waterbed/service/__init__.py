"""The service that keeps a study going on schedule."""
