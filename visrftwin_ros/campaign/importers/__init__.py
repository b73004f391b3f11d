"""Channel soundings that others recorded, made into campaign bags: one file a format."""
