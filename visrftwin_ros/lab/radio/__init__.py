"""Soundings of the lab."""
