"""One kind of recording a file: what it holds, as points in the world and from where each was seen."""
