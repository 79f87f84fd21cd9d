"""What Prometheus reads at /metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from service.contracts.entry import EntryState
from service.contracts.errors import ArchduelError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """One application's figures.

    Args:
        counts: how many experiments are in each state.
    """

    def __init__(self, counts: Callable[[], Mapping[EntryState, int]]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Queue(counts))
        self._requests = Counter(
            "archduel_http_requests_total", "Requests answered.",
            ["method", "route", "status"], registry=self._registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "archduel_http_request_seconds", "How long an answer took.",
            ["method", "route"], registry=self._registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )  # fmt: skip
        self.submissions = Counter(
            "archduel_submissions_total", "Submissions accepted.",
            ["known"], registry=self._registry,
        )  # fmt: skip
        self.refusals = Counter(
            "archduel_refusals_total", "Requests without the right token, or too many of them.",
            ["why"], registry=self._registry,
        )  # fmt: skip
        self.streams = Gauge(
            "archduel_streams", "Event streams that are open.", registry=self._registry
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request.

        Args:
            method: of HTTP.
            route: its template, never the path itself: there are too many of those.
            status: of HTTP.
            seconds: until it was answered.
        """
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self) -> bytes:
        """All figures in Prometheus' text form."""
        return generate_latest(self._registry)


class _Queue(Collector):
    """Asks the queue when Prometheus asks."""

    def __init__(self, counts: Callable[[], Mapping[EntryState, int]]) -> None:
        self._counts = counts

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield _families()[0]
        yield _families()[1]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        experiments, up = _families()
        try:
            counts = self._counts()
        except ArchduelError:
            up.add_metric([], 0)
        else:
            up.add_metric([], 1)
            for state in EntryState:
                experiments.add_metric([state.value], counts.get(state, 0))
        yield experiments
        yield up


def _families() -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
    return (
        GaugeMetricFamily("archduel_experiments", "Experiments by state.", labels=["state"]),
        GaugeMetricFamily("archduel_database_up", "Whether the database answers."),
    )
