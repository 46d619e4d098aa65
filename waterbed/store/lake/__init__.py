"""The lake: closed days of facts as Parquet files, and how they are read beside the store."""
