"""Cameras: what a pixel sees of the world, and where a camera stands."""
