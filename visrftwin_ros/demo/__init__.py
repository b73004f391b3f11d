"""`visrftwin demo`: a run of the live graph, reported."""
