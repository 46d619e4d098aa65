"""Attribution of an address on a day: pure rules."""
