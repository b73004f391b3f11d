"""Seeing people: detection, tracking on the ground plane, scoring. No ROS in here."""
