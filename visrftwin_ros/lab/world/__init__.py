"""The lab's places: surfaces, clutter, textures."""
