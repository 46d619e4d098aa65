"""The lake: closed days of facts as Parquet files."""
