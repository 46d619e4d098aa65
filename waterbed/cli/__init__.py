"""The command line: names, helps and exit codes in `main`; each command in `commands`, loaded when it is called."""
