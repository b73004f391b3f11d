"""A place: its radio devices, sensors and static scene."""
