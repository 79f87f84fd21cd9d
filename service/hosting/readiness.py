"""Whether the parts of a service answer, each with its own word."""

from __future__ import annotations

from service.app.tracking_server import answers
from service.contracts.driver_host import DriverHost
from service.contracts.errors import ArchduelError
from service.database.engine import Database
from service.hosting.blobs import Blobs


def checks(database: Database, blobs: Blobs, jobs: DriverHost, mlflow: str) -> dict[str, str]:
    """Ask every part; returns by its name "ok", or in one line what is wrong with it."""

    def ask_database() -> None:
        with database.reading() as connection:
            connection.exec_driver_sql("SELECT 1")

    def ask_mlflow() -> None:
        if not answers(mlflow):
            raise ArchduelError(f"MLflow at {mlflow} does not answer; what it misses is sent later")

    found = {}
    parts = {
        "database": ask_database,
        "store": blobs.check,
        "ray": jobs.check,
        "mlflow": ask_mlflow,
    }
    for part, ask in parts.items():
        try:
            ask()
        except ArchduelError as error:
            found[part] = str(error)
        else:
            found[part] = "ok"
    return found
