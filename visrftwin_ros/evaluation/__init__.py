"""What predicts is scored against what was measured."""
