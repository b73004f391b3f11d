"""What a sensor says of people: boxes, feet, clouds, positions on the ground."""
