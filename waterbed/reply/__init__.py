"""The right of reply: hosters see their numbers before the public does."""
