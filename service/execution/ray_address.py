"""Is there a Ray cluster at an address?"""

from __future__ import annotations

import re
import socket

from service.contracts.errors import UserError

ANSWER_SECONDS = 5.0

_ADDRESS = re.compile(r"(ray://)?(?P<host>[^\s:/]+|\[[^\s\]]+\]):(?P<port>\d{1,5})")


class NoCluster(UserError):
    """No Ray cluster answers at an address."""


def require_answer(address: str) -> None:
    """Raise soon where nothing listens: Ray itself waits for such a cluster without an end.

    Measured with Ray 2.60: `ray.init("127.0.0.1:6399")` with nothing there had not returned after
    ten minutes; with ray:// it takes half a minute.

    Args:
        address: "auto", "ray://host:10001" or "host:6379".

    Raises:
        UserError: it is none of these.
        NoCluster: nothing answers there.
    """
    if address == "auto":
        return  # Ray looks for a cluster on this machine, and soon says if there is none
    found = _ADDRESS.fullmatch(address)
    if found is None or int(found["port"]) > 65535:
        raise UserError(
            "must be auto, ray://host:10001 or host:6379", key="--address", value=address
        )
    try:
        place = (found["host"].strip("[]"), int(found["port"]))
        socket.create_connection(place, timeout=ANSWER_SECONDS).close()
    except OSError as error:
        raise NoCluster(
            f"nothing answers there ({error.strerror or error})",
            key="--address",
            value=address,
            hint="start a cluster with `ray start --head`, or leave --address out",
        ) from error
