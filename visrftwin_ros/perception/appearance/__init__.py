"""How people look: embeddings and clothes."""
