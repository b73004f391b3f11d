"""Paths and what a link makes of them."""
