"""Finds pairs (built-in ones by name, a user's own by file or by module) and report sections."""

from service.catalog.files import from_text
from service.catalog.find import locate, names

__all__ = ["from_text", "locate", "names"]
