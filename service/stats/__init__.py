"""Pure statistics: every random draw comes from a generator that the caller passes."""
