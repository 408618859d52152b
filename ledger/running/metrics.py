"""What whoever runs an instance watches, in Prometheus's text format.

What is said of operations, the chain and the worker is read from the database when somebody asks,
so that it is right whichever process was started again.  What is said of requests is counted in
this process.  No label has more values than there are states, routes and kinds of answers, and none
names a person, a unit or a machine.
"""

from __future__ import annotations

from collections.abc import Iterator

import structlog
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from ledger.domain.errors import SteriLedgerError
from ledger.domain.outbox.operation_states import OperationState
from ledger.steps.answering.status import ChainStatus, Status, WorkerState, status
from ledger.steps.instance import Instance

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
#: the route of a request that found none
UNROUTED = "none"

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_NEVER_ACCEPTED = (OperationState.PREPARED, OperationState.EXPIRED)

log = structlog.get_logger("metrics")


class Metrics:
    """The metrics of one process that serves an instance."""

    def __init__(self, instance: Instance) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "steriledger_request_duration_seconds",
            "Time to answer a request, by method, route and class of status.",
            ("method", "route", "status"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        ProcessCollector(registry=self._registry)
        self._registry.register(_FromDatabase(instance))

    def count_request(
        self, *, method: str, route: str | None, status: int | None, seconds: float
    ) -> None:
        """Count one answered request; `route` is its template, None when there was no such route.

        A `status` of None means that the caller went away before an answer.
        """
        self._requests.labels(
            method if method in _METHODS else "other",
            route or UNROUTED,
            "gone" if status is None else f"{status // 100}xx",
        ).observe(seconds)

    def render(self) -> bytes:
        """Everything as it stands now."""
        return generate_latest(self._registry)


class _FromDatabase(Collector):
    """Reads the status once for each scrape."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def describe(self) -> list[Metric]:
        """Nothing in advance: the names do not depend on what is read."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The metrics; only one of them when the database does not answer."""
        up = GaugeMetricFamily("steriledger_database_up", "1 when the database answered, else 0.")
        try:
            now = status(self._instance)
        except SteriLedgerError as error:
            log.warning("database_not_read", error=str(error))
            up.add_metric((), 0)
            yield up
            return
        up.add_metric((), 1)
        yield up
        yield from _of_operations(now)
        yield from _of_worker(now)
        if now.chain is not None:
            yield from _of_chain(now, now.chain)


def _of_operations(now: Status) -> Iterator[Metric]:
    by_state = GaugeMetricFamily(
        "steriledger_operations", "Operations that stand in each state.", labels=("state",)
    )
    for state, count in now.counts.items():
        by_state.add_metric((state.value,), count)
    yield by_state
    accepted = sum(n for state, n in now.counts.items() if state not in _NEVER_ACCEPTED)
    yield CounterMetricFamily(
        "steriledger_operations_accepted", "Operations ever accepted.", value=accepted
    )
    yield CounterMetricFamily(
        "steriledger_operations_anchored",
        "Operations in final blocks.",
        value=now.counts[OperationState.FINAL],
    )
    waited = 0 if now.oldest_owed is None else now.oldest_owed.waited_seconds
    if waited is not None:
        yield _gauge(
            "steriledger_outbox_oldest_seconds",
            "How long the oldest owed operation waits; 0 when nothing is owed.",
            waited,
        )
    yield _gauge(
        "steriledger_clock_wrong",
        "1 while nothing is accepted because this machine's clock cannot be right, else 0.",
        int(now.clock is not None),
    )


def _of_worker(now: Status) -> Iterator[Metric]:
    yield _gauge(
        "steriledger_worker_has_lease",
        "1 while a worker holds the writer's lease, else 0.",
        int(now.lease is not None),
    )
    yield _gauge(
        "steriledger_worker_halted",
        "1 when a worker stopped for a person and none has run well since, else 0.",
        int(now.halted is not None),
    )
    yield _gauge(
        "steriledger_worker_waiting",
        "1 while the worker lives and cannot go on for half a minute, else 0.",
        int(now.worker is WorkerState.WAITS),
    )
    if now.heartbeat_age_seconds is not None:
        yield _gauge(
            "steriledger_worker_heartbeat_age_seconds",
            "Time since the worker said that it lives.",
            now.heartbeat_age_seconds,
        )


def _of_chain(now: Status, chain: ChainStatus) -> Iterator[Metric]:
    for name, help_text, value in (
        ("chain_head_height", "Height of the newest block that the worker saw.", chain.height),
        ("chain_head_age_seconds", "Age of that block; an idle embedded chain makes none.",
         now.head_age_seconds),
        ("chain_final_height", "Height of the newest final block.", chain.final),
        ("follower_height", "Height of the last indexed block.", chain.indexed),
        ("follower_lag_blocks", "Final blocks that are not indexed yet.", now.lag),
    ):  # fmt: skip
        if value is not None:  # a date ahead of this clock has no age
            yield _gauge(f"steriledger_{name}", help_text, value)


def _gauge(name: str, help_text: str, value: int) -> Metric:
    return GaugeMetricFamily(name, help_text, value=value)
