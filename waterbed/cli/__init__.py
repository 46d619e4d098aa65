"""The command line: names and helps in `commands`, exit codes in `app`; a command is loaded when it is called."""
