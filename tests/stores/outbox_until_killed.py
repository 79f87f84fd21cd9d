"""Send a ledger to MLflow again and again, each time killed (-9) in the middle; then to the end.

Each sender kills itself right after a counted statement, so that the deaths fall into the sending on
a slow machine and on a fast one. MLflow is imported once and each attempt is a fork.
"""

import os
import signal
import sys

import mlflow  # noqa: F401
from sqlalchemy import event
from sqlalchemy.engine import Engine

from service.stores import mlflow_outbox
from service.stores.ledger import LedgerStore
from service.stores.mlflow_outbox import Outbox
from service.stores.outbox_log import OutboxLog

url, uri = sys.argv[1], sys.argv[2]
mlflow_outbox._CHUNK = 12
DEATHS = (
    ("INSERT INTO latest_metrics", 1),  # the first chunk's rows are written and not committed
    ("INSERT", 35),  # MLflow's client is in the middle of a run of that chunk
    ("UPDATE archduel_outbox", 2),  # the second chunk is in MLflow, and the log does not know it
    ("INSERT INTO logged_models", 2),  # a model is half logged
)


def die_at(beginning, number):
    """Kill this process right after its `number`-th such statement, whichever database it is for."""
    seen = 0

    def count(_connection, _cursor, statement, *_rest):
        nonlocal seen
        seen += statement.lstrip().startswith(beginning)
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "after_cursor_execute", count)


def send():
    ledger = LedgerStore(url).experiment("iris")
    outbox = Outbox(ledger, uri, note=lambda: {"iris": "note"}, say=lambda text: print(text))
    outbox.start()
    return outbox.close(120)


for death in (*DEATHS, None):
    child = os.fork()
    if child == 0:
        if death is not None:
            die_at(*death)
        print(send(), flush=True)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    ledger = LedgerStore(url).experiment("iris")
    print("killed" if died else "ended", OutboxLog(ledger, uri).counts(), flush=True)
