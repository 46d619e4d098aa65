"""Commands that keep a study sound: backups, keys, lake, checks."""
