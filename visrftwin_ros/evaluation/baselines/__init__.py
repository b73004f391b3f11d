"""What the twin is compared with."""
