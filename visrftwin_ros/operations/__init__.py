"""A whole twin as processes."""
