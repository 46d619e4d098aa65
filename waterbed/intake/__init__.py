"""Files of reports and notices become facts."""
