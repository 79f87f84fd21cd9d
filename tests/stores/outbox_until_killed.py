"""Send a ledger to MLflow again and again, each time killed (-9) in the middle; then to the end.

MLflow is imported once and each attempt is a fork, so that the kills fall into the sending.
"""

import os
import random
import signal
import sys
import time

import mlflow  # noqa: F401

from service.stores.ledger import LedgerStore
from service.stores.mlflow_outbox import Outbox
from service.stores.outbox_log import OutboxLog

url, uri, kills = sys.argv[1], sys.argv[2], int(sys.argv[3])
rng = random.Random(5)


def send():
    ledger = LedgerStore(url).experiment("iris")
    outbox = Outbox(ledger, uri, note=lambda: {"iris": "note"}, say=lambda text: print(text))
    outbox.start()
    return outbox.close(120)


for attempt in range(kills + 1):
    child = os.fork()
    if child == 0:
        print(send(), flush=True)
        os._exit(0)
    if attempt < kills:
        # A few trials further each time, then at any moment of the next one.
        log = OutboxLog(LedgerStore(url).experiment("iris"), uri)
        before = log.counts()[0]
        end = time.monotonic() + 20
        while log.counts()[0] <= before and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(rng.uniform(0.0, 0.4))
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print("synced", LedgerStore(url).experiment("iris") and log.counts(), flush=True)
