"""Soundings in other formats, made into campaign bags."""
