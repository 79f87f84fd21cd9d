"""The parts of a report, one file each: `PLACE`, where it stands, and `section(view)`, what it says.

To add a part, write such a file; nothing else names it.
"""
