"""The experiments of a home folder, for people who come back to them."""

from __future__ import annotations

from dataclasses import replace

from service.app.home import Home
from service.contracts.errors import UserError
from service.stores.experiment_ledger import ExperimentLedger
from service.stores.ledger import ExperimentRow, LedgerStore
from service.stores.lock import is_held

__all__ = ["ExperimentLedger", "ExperimentRow", "experiment", "experiments"]


def experiments(home: Home) -> list[ExperimentRow]:
    """All experiments, the latest started first; none where nothing was run yet.

    A run that was killed could not say so: its experiment is still "running" in the ledger, but
    nobody holds its lock. It is told as "interrupted".
    """
    store = _store(home)
    if store is None:
        return []
    rows = store.experiments()
    stale = {
        (row.key, row.updated)
        for row in rows
        if row.state == "running" and not is_held(home.path, row.name)
    }
    if not stale:
        return rows
    # Read again: one that ended between the two looks was not killed.
    return [
        replace(row, state="interrupted")
        if row.state == "running" and (row.key, row.updated) in stale
        else row
        for row in store.experiments()
    ]


def experiment(home: Home, key: str | None = None) -> ExperimentLedger:
    """One experiment: by its key or name, or the one started last.

    Raises:
        UserError: there is none; the nearest right name is told.
    """
    store = _store(home)
    rows = [] if store is None else store.experiments()
    if store is None or not rows:
        raise UserError(
            f"nothing was run yet in {home.path}", hint="archduel run CONFIG starts one"
        )
    return store.experiment(rows[0].key if key is None else key)


def _store(home: Home) -> LedgerStore | None:
    """The ledger, unless it is a file that is not there: looking must not make one."""
    return (
        LedgerStore(home.ledger_url, home.path, patience_seconds=home.patience)
        if home.has_ledger
        else None
    )
