"""`archduel serve`: run a service until it is told to stop."""

from __future__ import annotations

import signal
from pathlib import Path

from service.api.assemble import application
from service.api.server import address, listen, run
from service.app.stopping import Interrupted, Stop
from service.cli.group import Stopped
from service.cli.screen import advise, errors, results
from service.cli.session import Session
from service.client.profiles import Profile, profile_file, save
from service.client.profiles import load as load_profiles
from service.contracts.errors import UserError
from service.hosting import serving, upkeep
from service.hosting.settings import Settings, load

LOCAL = "local"
"""The profile of the service that runs on this machine."""


def serve(
    session: Session,
    file: Path | None,
    *,
    host: str | None,
    port: int | None,
    insecure_local: bool | None,
    home: Path | None,
) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        ArchduelError: the settings have mistakes, the address is taken, the database is another's.
        Stopped: the signal came; all that was started has ended, and goes on with the next call.
    """
    settings = load(file, home=home, host=host, port=port, insecure_local=insecure_local)
    listening = listen(settings.host, settings.port)
    url = address(listening)
    console = errors()

    def started() -> None:
        results().print(f"archduel serves at {settings.public_url or url}", soft_wrap=True)
        console.print("Ctrl-C ends it; experiments go on with the next archduel serve", style="dim")
        advise(Session(), (("submit", "CONFIG", "--follow"), "from any folder"))

    try:
        with Stop(), listening:
            console.print("starting ...", style="dim")
            with serving.working(settings, lambda line: console.print(line, style="dim")) as parts:
                _log_in(settings, url)
                run(application(parts), listening, started)
    except (Interrupted, KeyboardInterrupt) as stop:
        name = stop.args[0] if isinstance(stop, Interrupted) else "SIGINT"
        raise Stopped(
            "the service has ended; archduel serve goes on with what waits and what was running",
            128 + signal.Signals[name],
        ) from None


def _log_in(settings: Settings, url: str) -> None:
    """The first call makes a token, so that who started the service can use it; later ones see to
    it that the profile has the right address. A service without a place for profiles has none."""
    try:
        profiles, default = load_profiles(profile_file())
        token = None if settings.insecure_local else upkeep.first_token(settings)
        known = profiles.get(LOCAL)
        if token is None and not settings.insecure_local:
            if known is None or known.url == url or known.token is None:
                return
            if not upkeep.is_valid(settings, known.token):
                return
            token = known.token
        kept = save(Profile(LOCAL, url, token), default=default in (None, LOCAL))
    except (UserError, OSError) as error:
        errors().print(f"you are not logged in here ({error})", style="yellow", soft_wrap=True)
        advise(Session(), (("service", "token", "add", "NAME", "--role", "admin"), "makes a token"))
    else:
        errors().print(f"logged in as '{LOCAL}' ({kept})", style="dim", soft_wrap=True)
