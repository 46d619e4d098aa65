"""The lake: closed days of facts as Parquet files.

Readers combine it with the store.
"""
