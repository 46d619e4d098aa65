"""Who answers for an address on a day."""
