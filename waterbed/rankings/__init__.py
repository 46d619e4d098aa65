"""From episodes to how much each hoster has, and how fast it goes."""
