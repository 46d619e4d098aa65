"""Open a study; facts -> verdicts -> episodes -> hops (the one pipeline)."""
