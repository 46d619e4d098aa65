"""HTML pages (one file = view + page), figures, templates, assets."""
