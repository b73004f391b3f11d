"""The `visrftwin` commands: one file each, of the shape that `command.Command` says."""
