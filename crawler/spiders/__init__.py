"""The spiders: each walks through what is due."""
