"""Two coders, blind to each other, for what rules and tables leave in doubt; and what the doubt is worth."""
