"""Where facts are kept: tables, vault, keys and the study folder."""
