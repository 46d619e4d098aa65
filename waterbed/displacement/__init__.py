"""Did pressing one place remove content or move it: an event file and a study in, answers or refusals out."""
