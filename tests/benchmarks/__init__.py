"""How long things take, side by side in one run: `make bench`, or one case with `CASE=iris`."""
