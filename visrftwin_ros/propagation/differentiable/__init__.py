"""Directional lobes in place of mirrors: power that has slopes by lobe, material and place of a surface."""
