"""Starts the drivers of queued experiments and looks after them; it knows ports, and never Ray."""
