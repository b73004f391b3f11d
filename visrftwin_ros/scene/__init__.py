"""The static scene: surfaces, meshes, and the device that traces rays in it."""
