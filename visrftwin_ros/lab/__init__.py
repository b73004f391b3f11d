"""The synthetic world: people, sensors and a channel sounder whose truth is known."""
