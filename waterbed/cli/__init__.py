"""The command line: parses words, prints tables, returns exit codes."""
