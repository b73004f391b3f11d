"""Antenna arrays, codebooks, 802.11ad rates and beam selection."""
