"""Jobs of a stack: what is in them, how they stand, and runs of one or all of them."""
