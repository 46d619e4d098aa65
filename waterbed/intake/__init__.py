"""Files of reports and notices to facts and rejected lines."""
