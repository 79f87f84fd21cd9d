"""Talks to a service over HTTP, for the command line and for scripts."""
