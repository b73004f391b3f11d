"""People in pictures."""
