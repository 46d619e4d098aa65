"""What is measured and concluded, as plain values."""
