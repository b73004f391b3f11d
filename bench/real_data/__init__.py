"""Sections of docs/validation.md: one file a data set that nobody of this project made."""
