"""A study: facts to verdicts to episodes to hops.

It opens a study's folder; this is the only pipeline.
"""
