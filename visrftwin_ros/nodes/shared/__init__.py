"""What every node is made of."""
