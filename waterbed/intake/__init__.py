"""From lines of a reports file to reports and rejected lines."""
