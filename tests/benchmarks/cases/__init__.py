"""One file, one case: `measure(size)` gives the rows of the table."""
