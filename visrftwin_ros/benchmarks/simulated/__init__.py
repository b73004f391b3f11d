"""Simulated people before simulated sensors: what benches and tests of the trackers measure on."""
