"""People followed in metres over time and sensors."""
