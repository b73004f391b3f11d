"""Depth of posed pictures out of the pictures alone."""
