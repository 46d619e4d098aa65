"""The pages: what they show, and what no name can make of them."""
