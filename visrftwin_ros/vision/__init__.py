"""What surfaces are made of, read off pictures of them."""
