"""Record results one batch after another, telling each number once it is durable."""

import sys

from service.contracts.results import Outcome
from service.stores.ledger import LedgerStore
from tests.stores.store_factories import a_plan, a_result

ledger = LedgerStore(sys.argv[1]).open_experiment(a_plan(), {})
number = len(ledger.results())
while True:
    batch = [Outcome(a_result(number + i), b"model" * 1000 if i == 0 else None) for i in range(3)]
    ledger.record(batch)
    number += 3
    print(number, flush=True)
