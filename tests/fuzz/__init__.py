"""The same bytes read by us and by a peer: where the two must agree, and a corpus that is kept."""
