"""Bodies of people, as the radio sees them."""
