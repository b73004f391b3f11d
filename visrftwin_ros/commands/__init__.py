"""Sub-commands of `visrftwin`, one file an area."""
