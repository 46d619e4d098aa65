"""Rankings: volume, takedown clocks, speed, compliance, feeds."""
