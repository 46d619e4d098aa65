"""A study as a package that others can check: frozen, verified, reproduced."""
