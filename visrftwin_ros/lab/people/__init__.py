"""The lab's people: bodies, clothes, walks."""
