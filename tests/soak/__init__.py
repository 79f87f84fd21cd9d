"""Many experiments at once while everything is killed, again and again: `make soak`."""
