"""Files and folders that are whole, or named unfinished."""
