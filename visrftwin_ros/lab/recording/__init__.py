"""Campaign bags of the lab."""
