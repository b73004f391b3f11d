"""Fields of single interactions: slabs and edges."""
