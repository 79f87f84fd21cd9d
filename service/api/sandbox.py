"""How a report is shown: it is a program of its own, and must not become one of this service."""

from __future__ import annotations

import html
import re

_META = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')
_HEAD = 4096
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'"


def policy_of(report: str) -> str:
    """The policy to send with a report: the one that it carries, in a sandbox.

    The sandbox gives the page an origin of its own: its scripts, which the policy names by hash,
    reach neither the cookie nor any route of this service.

    Args:
        report: the page.

    Returns:
        The header's value; where the page carries no policy, no script runs at all.
    """
    found = _META.search(report[:_HEAD])
    policy = html.unescape(found[1]) if found else NOTHING
    clean = " ".join(policy.split())
    return f"{clean}; frame-ancestors 'self'; sandbox allow-scripts allow-downloads"
