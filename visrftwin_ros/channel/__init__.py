"""What a receiver notices of a set of paths."""
