"""What only nodes turn into messages and back, on top of the codecs in `messages/`; markers."""
