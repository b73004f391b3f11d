"""The codecs between messages and arrays."""
