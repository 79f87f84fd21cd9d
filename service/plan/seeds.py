"""Seeds derived from named parts, so that no draw depends on the order of any other."""

from __future__ import annotations

import hashlib


def derive(root: int, *parts: str | int) -> int:
    """Derive a seed from the experiment's seed and the names of what it is for.

    Each part is encoded with its type and its length in front, so that ("ab", "c"), ("a", "bc")
    and (1, "1") are all different.

    Args:
        root: the experiment's seed, any whole number.
        parts: what the seed is for, from the outside in ("iris", 3, "weights").

    Returns:
        A whole number in [0, 2**31), which every library takes as a seed.
    """
    digest = hashlib.sha256()
    for part in (root, *parts):
        text = str(part).encode()
        digest.update(b"%c%d:%b" % (b"s" if isinstance(part, str) else b"i", len(text), text))
    return int.from_bytes(digest.digest()[:4], "big") >> 1
