"""The lake: closed days as Parquet files beside the store."""
