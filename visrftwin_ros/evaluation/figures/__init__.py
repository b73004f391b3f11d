"""Pictures of a score."""
