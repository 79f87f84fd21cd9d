"""The home folder: where everything that archduel keeps lies."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from service.contracts.errors import UserError

VARIABLE = "ARCHDUEL_HOME"


@dataclass(frozen=True)
class Home:
    """One home folder.

    Args:
        path: absolute.
        ledger: the ledger's address where it is not a file in the folder.
        mlflow: MLflow's where it is not in the folder.
        patience: seconds to wait for a ledger's server that does not answer.
    """

    path: Path
    ledger: str | None = None
    mlflow: str | None = None
    patience: float = 0.0

    @classmethod
    def open(cls, path: Path | None = None, *, create: bool = True) -> Home:
        """The folder given, or the one that ARCHDUEL_HOME names, or ~/.archduel.

        Args:
            path: the folder given.
            create: make it when it is missing and see that it can be written. Who only looks
                does neither: a mistyped folder is not left behind.

        Raises:
            UserError: it cannot be made or written, or is not a folder.
        """
        chosen = path or Path(os.environ.get(VARIABLE) or Path.home() / ".archduel")
        chosen = chosen.expanduser().resolve()
        if not create:
            if chosen.exists() and not chosen.is_dir():
                raise UserError("the home must be a folder", key="--home", value=str(chosen))
            return cls(chosen)
        try:
            chosen.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"the home folder cannot be made: {error.strerror}",
                key="--home",
                value=str(chosen),
                hint=f"give another with --home or {VARIABLE}",
            ) from error
        try:
            # Really written: os.access answers root yes, whatever the file system says.
            with tempfile.TemporaryFile(dir=chosen) as probe:
                probe.write(b"archduel")
                probe.flush()
        except OSError as error:
            raise UserError(
                f"the home folder cannot be written: {error.strerror}",
                key="--home",
                value=str(chosen),
                hint=f"give another with --home or {VARIABLE}",
            ) from error
        return cls(chosen)

    @property
    def ledger_file(self) -> Path:
        """The ledger's database."""
        return self.path / "ledger.db"

    @property
    def ledger_url(self) -> str:
        """The ledger's address."""
        return self.ledger or f"sqlite:///{self.ledger_file}"

    @property
    def has_ledger(self) -> bool:
        """Whether there is a ledger; looking makes none."""
        return self.ledger is not None or self.ledger_file.exists()

    @property
    def mlflow_uri(self) -> str:
        """MLflow's tracking store where the config says auto."""
        return self.mlflow or f"sqlite:///{self.path / 'mlflow' / 'mlflow.db'}"

    @property
    def artifacts(self) -> Path:
        """MLflow's artifacts where the config says auto."""
        return self.path / "mlflow" / "artifacts"

    @property
    def checkpoints(self) -> Path:
        """How far long trials came that have no result yet."""
        return self.path / "checkpoints"

    def run_folder(self, key: str) -> Path:
        """Reports and other files of one experiment."""
        folder = self.path / "runs" / key
        folder.mkdir(parents=True, exist_ok=True)
        return folder
