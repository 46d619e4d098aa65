"""Attribution of addresses to hosters on a day."""
