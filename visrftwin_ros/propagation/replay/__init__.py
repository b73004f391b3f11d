"""Known paths carried on: receivers that move, surfaces of other materials."""
