"""Send a ledger to MLflow again and again, each time killed (-9) in the middle; then to the end.

Each sender kills itself at its own written row of the database, drawn at random over the length of
the work: the deaths fall into the sending on a slow machine and on a fast one. MLflow is imported
once and each attempt is a fork.
"""

import os
import random
import signal
import sys

import mlflow  # noqa: F401
from sqlalchemy import event
from sqlalchemy.engine import Engine

from service.stores.ledger import LedgerStore
from service.stores.mlflow_outbox import Outbox
from service.stores.outbox_log import OutboxLog

url, uri, kills = sys.argv[1], sys.argv[2], int(sys.argv[3])
rng = random.Random(5)


def die_at_write(number):
    """Kill this process right after its ``number``-th INSERT, whichever database it goes to."""
    seen = 0

    def count(_connection, _cursor, statement, *_rest):
        nonlocal seen
        seen += statement.lstrip().upper().startswith("INSERT")
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "after_cursor_execute", count)


def send():
    ledger = LedgerStore(url).experiment("iris")
    outbox = Outbox(ledger, uri, note=lambda: {"iris": "note"}, say=lambda text: print(text))
    outbox.start()
    return outbox.close(120)


for attempt in range(kills + 1):
    child = os.fork()
    if child == 0:
        if attempt < kills:
            die_at_write(rng.randrange(20, 70))
        print(send(), flush=True)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    ledger = LedgerStore(url).experiment("iris")
    print("killed" if died else "ended", OutboxLog(ledger, uri).counts(), flush=True)
