"""The same experiments undisturbed, in this process: `python -m tests.soak.reference HOME SEEDS`."""

from __future__ import annotations

import sys
from pathlib import Path

from service.app import planning, running
from service.app.home import Home
from service.contracts.ports import Advance
from tests.soak.config import CONFIG, overrides


class Silent:
    """Hears nothing."""

    def advance(self, news: Advance) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""


def main(folder: str, seeds: int) -> None:
    """Run each variation; its name in the ledger is `seed-<number>`."""
    home = Home.open(Path(folder))
    file = home.path / "soak.yaml"
    file.write_text(CONFIG)
    for seed in range(seeds):
        planned = planning.named(planning.load(file, overrides(seed)), f"seed-{seed}")
        running.run(planned, home, Silent(), executor="inline")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
