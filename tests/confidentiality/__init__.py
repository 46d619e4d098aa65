"""The search that proves that no host name leaks."""
