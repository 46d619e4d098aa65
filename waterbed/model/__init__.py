"""Facts and conclusions as plain values."""
