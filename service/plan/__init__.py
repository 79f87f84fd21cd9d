"""From a YAML config to an immutable plan, in well under a second and without a backend."""
