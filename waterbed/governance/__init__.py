"""What people decide, on record: keys, hosters, quarantines, replies, protocol."""
