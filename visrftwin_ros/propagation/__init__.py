"""Path sets, the Sionna solver, blockage by people and the per-tick update."""
