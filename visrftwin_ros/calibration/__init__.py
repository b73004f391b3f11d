"""Materials of a site, corrected by what was sounded in it."""
