"""Look by look: the plain definitions that the product's must equal; short, slow, obviously right."""
