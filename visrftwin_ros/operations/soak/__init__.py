"""A graph that runs for hours while faults are done to it, and what became of it."""
