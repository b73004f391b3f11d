"""Pictures of the twin: the Rerun scene."""
