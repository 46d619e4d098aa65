"""Everything that leaves the study: policy, tables, feeds."""
