"""The zoo: real servers on loopback that play every fault, and what the product makes of each."""
