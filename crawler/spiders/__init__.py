"""The two spiders, and nothing else."""
