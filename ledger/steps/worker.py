"""Owed → final, for as long as the process lives: the loop around the writer and the follower."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
import uvicorn

from ledger.chain.gateway import Gateway, make_server
from ledger.crashing import crash_point
from ledger.domain.chain.chain_reader import newest_block
from ledger.domain.clocks import has_passed
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import (
    ChainUnavailable,
    Conflict,
    Inconsistent,
    InvalidInput,
    Refused,
    SteriLedgerError,
    StorageUnavailable,
    VerificationFailed,
)
from ledger.doors.guard import LOOPBACK_NAMES, Bounds
from ledger.settings import Settings
from ledger.steps.answering.status import ChainStatus, put_chain_status
from ledger.steps.answering.trouble import (
    TroubleKind,
    find_started,
    put_started,
    put_trouble,
    take_back_trouble,
    trouble_of,
)
from ledger.steps.following.follow import Progress, follow
from ledger.steps.following.forgetting import forget_erased
from ledger.steps.following.journalled import ForeignBlock
from ledger.steps.following.standstill import Heads, Standstill
from ledger.steps.instance import Instance
from ledger.steps.keeping.housekeeping import ANSWERS_EVERY, EVERY, keep_house
from ledger.steps.keeping.losses import note_reached, require_nothing_lost
from ledger.steps.sending.recovering import Completer
from ledger.steps.sending.writer import Sent, Writer
from ledger.steps.starting.choosing import GroupLink
from ledger.steps.starting.deploy import ensure_deployment, ensure_home
from ledger.steps.starting.leasing import HeldLease, LeaseLost, require_no_worker, writer_lease
from ledger.steps.starting.link import CHAIN_FILE, EmbeddedLink, Link, open_link

#: how often the database is asked when nothing is owed
POLL_SECONDS = 0.1
HEARTBEAT = timedelta(seconds=5)
_LONGEST_PAUSE_SECONDS = 5.0
_SERVER_PATIENCE_SECONDS = 10.0
#: what waiting does not mend
_FOR_A_PERSON = (Inconsistent, VerificationFailed, InvalidInput, Refused)

log = structlog.get_logger("worker")


def run_worker(instance: Instance, stop: threading.Event) -> None:
    """Send and follow until `stop` is set; the first start creates the contracts.

    Returns when asked to stop, or when another process took the lease.  Raises what a person has to
    look at, after saying so in the status; an unreachable chain or database is waited for.
    """
    with writer_lease(instance, stop) as held:
        if held is None:
            return
        log.info("worker_started", holder=held.holder, epoch=held.epoch)
        try:
            with _waiting_told(instance, held), _chain(instance, held, stop) as link:
                if link is not None:
                    _Worker(instance=instance, link=link, held=held, stop=stop).run()
        except _FOR_A_PERSON as error:
            if held.is_lost(instance):
                # What looks wrong to one that slept is the work of whoever took over.
                log.warning("lease_lost", error=str(error))
                return
            log.critical("halted", error=str(error))
            _record(instance, held, TroubleKind.HALTED, error)
            raise
        log.info("worker_stopped", lost_lease=held.lost.is_set())


def serve_chain(instance: Instance, stop: threading.Event, *, ready: Callable[[str], None]) -> None:
    """Serve the embedded chain alone, read-only, until `stop` is set; nothing is written.

    `ready` is told the address.  Raises Conflict while a worker serves it already, and InvalidInput
    when the chain is the group's, which has its own address.
    """
    if not instance.settings.is_embedded:
        raise InvalidInput("is set", field="chain_url", remedy="ask the group's chain there")
    require_no_worker(instance)
    link = open_link(instance)
    try:
        with _gateway(instance, link) as url:
            ready(url)
            stop.wait()
    finally:
        link.stop()


@contextmanager
def _chain(instance: Instance, held: HeldLease, stop: threading.Event) -> Iterator[Link | None]:
    """The running chain and its door for others; None when `stop` was set first."""
    link = _open_patiently(instance, held, stop)
    if link is None:
        yield None
        return
    try:
        with _gateway(instance, link):
            yield link
    finally:
        link.stop()


def _open_patiently(instance: Instance, held: HeldLease, stop: threading.Event) -> Link | None:
    pause, trouble = _Pause(), _Waiting(instance=instance, held=held)
    while not stop.is_set() and not held.lost.is_set():
        link: Link | None = None
        try:
            ensure_home(instance)
            require_nothing_lost(instance)
            link = open_link(instance)
            deployment = ensure_deployment(instance, link)
        except (ChainUnavailable, StorageUnavailable) as error:
            log.warning("chain_not_ready", error=str(error))
            trouble.met(error)
            if link is not None:
                link.stop()
            pause.wait(stop)
        except BaseException:
            if link is not None:
                link.stop()
            raise
        else:
            open_because = _open_because(link)
            if open_because is not None:
                log.warning("chain_open", because=open_because)
            log.info(
                "chain_ready",
                chain_id=deployment.chain_id,
                deployment=to_hex(deployment.fingerprint()),
            )
            return link
    return None


@dataclass(slots=True)
class _Pause:
    """Twice as long after each failure."""

    seconds: float = POLL_SECONDS

    def wait(self, stop: threading.Event) -> None:
        stop.wait(self.seconds)
        self.seconds = min(2 * self.seconds, _LONGEST_PAUSE_SECONDS)


@dataclass(slots=True, kw_only=True)
class _Waiting:
    """What is waited for, and since when, as the status says it."""

    instance: Instance
    held: HeldLease
    since: datetime | None = None

    def met(self, error: SteriLedgerError) -> None:
        """The same or another trouble, again."""
        self.since = self.since or self.instance.clock()
        _record(self.instance, self.held, TroubleKind.WAITS, error, since=self.since)


@dataclass(slots=True, kw_only=True)
class _Worker:
    instance: Instance
    link: Link
    held: HeldLease
    stop: threading.Event
    _told: ChainStatus | None = None
    #: when the house was last kept
    _kept: datetime | None = None
    #: when old answers were last dropped
    _forgot: datetime | None = None
    _pause: _Pause = field(default_factory=_Pause)
    _waiting: _Waiting | None = None
    _heads: Heads = field(default_factory=Heads)

    def run(self) -> None:
        writer = Writer.open(self.instance, self.link, self.held)
        completer = Completer(writer=writer)
        while not self.stop.is_set() and not self.held.lost.is_set():
            try:
                is_idle = self._round(writer, completer)
            except LeaseLost as error:
                log.warning("lease_lost", error=str(error))
                return
            except ForeignBlock as error:
                log.error("foreign_block", error=str(error))  # noqa: TRY400 - nobody's mistake here
                self.link.stop()  # what asks next starts it again, from the journal
                self._meet(error)
            except (ChainUnavailable, StorageUnavailable, Conflict) as error:
                log.warning("round_failed", error=str(error))
                self._meet(error)
            except Inconsistent as error:
                if not self._asks_another():
                    raise
                log.warning("node_left", error=str(error))
            else:
                self._pause, self._waiting = _Pause(), None
                if is_idle:
                    self.stop.wait(POLL_SECONDS)

    def _meet(self, error: SteriLedgerError) -> None:
        """Wait; once it is over, the status is written anew."""
        since = error.since if isinstance(error, Standstill) else None
        self._waiting = self._waiting or _Waiting(
            instance=self.instance, held=self.held, since=since
        )
        self._waiting.met(error)
        self._told = None
        if not self._asks_another():
            self._pause.wait(self.stop)

    def _asks_another(self) -> bool:
        """Whether another node of the group's chain is asked from now on."""
        try:
            return isinstance(self.link, GroupLink) and self.link.look_around()
        except StorageUnavailable:
            return False

    def _round(self, writer: Writer, completer: Completer) -> bool:
        """Follow, then send; True when there was nothing to do.

        What was final is looked at first: a node of another chain is given nothing.
        """
        if isinstance(self.link, GroupLink):
            self.link.look_around_now_and_then()
        progress = follow(self.instance, self.link.node)
        sent = Sent()
        if not progress.is_rebuilding:
            sent = writer.step()
            completer.step()
        crash_point("worker.sent")
        if progress.operations or self._told is None:
            self._forget()
        self._keep_house()
        _log_round(sent, progress)
        self._tell(progress, writer)
        return sent.is_idle and progress.height >= progress.final

    def _forget(self) -> None:
        """Erasures that became final are carried out."""
        with self.instance.database.transaction() as tx:
            forgotten = forget_erased(tx, self.instance.clock())
        if forgotten:
            log.info("erased", records=forgotten)

    def _keep_house(self) -> None:
        """At the start, every minute, and for old answers once a day."""
        now = self.instance.clock()
        if self._kept is not None and not has_passed(EVERY, self._kept, now):
            return
        answers = self._forgot is None or has_passed(ANSWERS_EVERY, self._forgot, now)
        self._kept, self._forgot = now, now if answers else self._forgot
        dropped = keep_house(self.instance, answers=answers)
        if dropped.drafts or dropped.requests:
            log.info("house_kept", drafts=dropped.drafts, requests=dropped.requests)

    def _tell(self, progress: Progress, writer: Writer) -> None:
        """The heartbeat: at every new block, and every few seconds; raises Standstill."""
        now = self.instance.clock()
        told = self._told
        is_news = told is None or (told.indexed, told.final) != (progress.height, progress.final)
        if not is_news and told is not None and not has_passed(HEARTBEAT, told.at, now):
            return
        block = newest_block(self.link.node)
        self._heads.see(block, writer.under_way.pending(), now)
        group = self.link if isinstance(self.link, GroupLink) else None
        self._told = ChainStatus(
            height=block.number,
            hash=block.hash,
            timestamp=datetime.fromtimestamp(block.timestamp, UTC),
            indexed=progress.height,
            final=progress.final,
            open_because=_open_because(self.link),
            at=now,
            asked=None if group is None else group.node.name,
            passed_over={} if group is None else dict(group.passed_over),
        )
        with self.instance.database.transaction() as tx:
            put_chain_status(tx, self._told)
            started = find_started(tx)
            if started is not None and started > now:  # before the clock was set back
                put_started(tx, now)
            for kind in TroubleKind:  # this round went well
                take_back_trouble(tx, kind)
        with self.instance.database.reading() as tx:
            note_reached(self.instance, tx)


def _open_because(link: Link) -> str | None:
    """Why every account of this machine reaches an embedded chain; None when none does."""
    return link.chain.open_because if isinstance(link, EmbeddedLink) else None


def _record(
    instance: Instance,
    held: HeldLease,
    kind: TroubleKind,
    error: SteriLedgerError,
    *,
    since: datetime | None = None,
) -> None:
    """The status says why nothing moves; the next round that goes well takes it back.

    Nothing is said when the database is away, or when another worker has taken over.
    """
    now = instance.clock()
    with suppress(StorageUnavailable, LeaseLost), instance.database.transaction() as tx:
        held.require(tx)
        put_trouble(tx, kind, trouble_of(error, since=since or now, at=now))


@contextmanager
def _waiting_told(instance: Instance, held: HeldLease) -> Iterator[None]:
    """Who ended no longer waits: neither the worker before, which was killed, nor this one."""
    with suppress(StorageUnavailable, LeaseLost), instance.database.transaction() as tx:
        held.require(tx)
        put_started(tx, instance.clock())
    try:
        yield
    finally:
        with suppress(StorageUnavailable, LeaseLost), instance.database.transaction() as tx:
            held.require(tx)
            take_back_trouble(tx, TroubleKind.WAITS)


def _log_round(sent: Sent, progress: Progress) -> None:
    if not sent.is_idle:
        log.debug(
            "round",
            sent=sent.sent,
            mined=sent.mined,
            refused=sent.refused,
            stuck=sent.stuck,
        )
    if progress.operations:
        log.info("indexed", height=progress.height, operations=progress.operations)


# ---------------------------------------------------------------- the door for others


@contextmanager
def _gateway(instance: Instance, link: Link) -> Iterator[str]:
    """The address at which others read the chain, written down while it is served.

    The embedded chain is served here, read-only; a chain of others has its own door, which is named
    without what may be secret in its address.
    """
    settings = instance.settings
    with _served(settings, link) if isinstance(link, EmbeddedLink) else nullcontext() as served:
        url = served or link.node.name
        address = settings.run_folder / CHAIN_FILE
        _write_address(address, url)
        log.info("chain_readable", url=url)
        try:
            yield url
        finally:
            address.unlink(missing_ok=True)


@contextmanager
def _served(settings: Settings, link: EmbeddedLink) -> Iterator[str]:
    chain = link.chain
    gateway = Gateway(
        upstream=lambda: chain.url,
        bounds=Bounds(hosts=LOOPBACK_NAMES | {settings.host.lower()}),
    )
    server = make_server(gateway, host=settings.host, port=settings.chain_port)
    thread = threading.Thread(target=server.run, name="gateway", daemon=True)
    thread.start()
    try:
        yield f"http://{settings.host}:{_wait_for_port(server, thread)}"
    finally:
        server.should_exit = True
        thread.join(_SERVER_PATIENCE_SECONDS)
        gateway.close()


def _wait_for_port(server: uvicorn.Server, thread: threading.Thread) -> int:
    waited = threading.Event()
    for _ in range(int(_SERVER_PATIENCE_SECONDS / 0.01)):
        if server.started or not thread.is_alive():
            break
        waited.wait(0.01)
    if not server.started:
        raise Conflict(
            f"the gateway of the chain cannot listen on port {server.config.port}",
            field="chain_port",
            rule="one program listens on a port",
            remedy="choose another: STERILEDGER_CHAIN_PORT or --port, or 0 for any",
        )
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


def _write_address(path: Path, url: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps({"pid": os.getpid(), "rpc": url}) + "\n")
    draft.replace(path)
