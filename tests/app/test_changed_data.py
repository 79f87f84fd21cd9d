"""Other data under the same name is another experiment."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.app import planning
from service.contracts.errors import UserError
from service.stores.ledger import LedgerStore

CONFIG = "experiment: mine\npairs: [iris]\n"


def test_it_is_refused_and_the_difference_is_shown(tmp_path: Path) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text(CONFIG)
    plan = planning.load(config).plan
    store = LedgerStore(f"sqlite:///{tmp_path / 'ledger.db'}")
    store.open_experiment(plan.with_data({"iris": "before"}), {})
    store.open_experiment(plan.with_data({"iris": "before"}), {})
    with pytest.raises(UserError, match=r'started.*data "before" -> "after"'):
        store.open_experiment(plan.with_data({"iris": "after"}), {})
    store.open_experiment(plan.with_data({"iris": "after"}), {}, fresh=True)


def test_a_pairs_own_epochs_hold_where_the_config_says_none(tmp_path: Path) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text(CONFIG)
    assert planning.load(config).plan.pair("iris").epochs == 30
    assert planning.load(config, ["search.epochs=7"]).plan.pair("iris").epochs == 7
