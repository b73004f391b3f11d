"""A synthetic world whose truth is known: rooms, people, pictures, and what only it knows."""
