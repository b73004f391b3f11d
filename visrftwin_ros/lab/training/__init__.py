"""Detectors trained on the lab."""
