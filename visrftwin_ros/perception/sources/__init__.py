"""Cameras and LiDARs as sources of measurements, live and recorded."""
