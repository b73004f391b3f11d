"""What people do to paths: shadow, touch, reflect."""
