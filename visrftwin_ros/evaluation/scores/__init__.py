"""Each score as evaluations take it: one file of the same shape a score."""
