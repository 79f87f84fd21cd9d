"""One file for each revision; released ones are never edited."""
