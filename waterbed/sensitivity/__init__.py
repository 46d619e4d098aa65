"""The specification curve: conclusions under every defensible way to draw them."""
