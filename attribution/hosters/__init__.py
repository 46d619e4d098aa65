"""The hoster directory: entities, decided changes, as of a day."""
