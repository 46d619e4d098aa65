"""Volume, takedown clocks, speed, compliance, feeds."""
