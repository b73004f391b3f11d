"""Electromagnetic properties of building materials and bodies."""
