"""`archduel config`: the profile of a service on Kubernetes."""

from __future__ import annotations

from service.cli.screen import errors, results, write_json
from service.cli.session import Session
from service.client.kubernetes import find
from service.client.profiles import Profile, check_url, save


def init(
    session: Session,
    release: str,
    namespace: str | None,
    context: str | None,
    name: str | None,
    *,
    as_json: bool,
) -> None:
    """Keep the address and the first admin's token of a release of the chart.

    Raises:
        UserError: it cannot be found, or its address would carry the token in the clear.
    """
    found = find(release, namespace, context)
    profile = Profile(name or release, check_url(found.url, found.token, "url"), found.token)
    file = save(profile)
    if as_json:
        write_json({"profile": profile.name, "url": profile.url, "port_forward": found.forward})
        return
    results().print(f"'{profile.name}' is {profile.url}, as its first admin", soft_wrap=True)
    errors().print(f"kept in {file}", style="dim", soft_wrap=True)
    if found.forward is not None:
        errors().print(f"leave this running in another terminal: {found.forward}", soft_wrap=True)
    errors().print("then: archduel login tells whether it answers", soft_wrap=True)
