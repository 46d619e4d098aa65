"""Commands of the study record: protocol, codes, frozen studies."""
