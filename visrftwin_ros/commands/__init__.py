"""Sub-commands of `visrftwin`, a file an area."""
