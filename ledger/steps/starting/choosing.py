"""Nodes of the group's chain → the one to ask: another when it is gone, behind, or on another fork.

The one that is asked stays so while it is well.  Before another is asked, it has to have the
contracts' chain and the block that was indexed last, so that nothing is ever sent elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from ledger.chain.node import Node, SendAnswer
from ledger.chain.transport import Limits, NotAnEndpoint
from ledger.domain.chain.deployment import Deployment
from ledger.domain.clocks import has_passed
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import ChainUnavailable, InvalidInput, VerificationFailed
from ledger.domain.subjects.indexed import Cursor
from ledger.steps.instance import DEPLOYMENT_SETTING, Instance
from ledger.steps.starting.remote import RemoteLink
from ledger.steps.starting.surveying import survey
from ledger.storage.index import find_cursor
from ledger.storage.settings import find_setting

#: how often the others are looked at while all goes well
LOOK_EVERY = timedelta(seconds=10)
#: a node that many blocks below the highest one is behind
BEHIND = 5
#: so far below the lowest head, nodes that are well have the same block
_SETTLED = 2
#: of two that disagree, nobody knows which is right
_FEWEST = 3
#: with others to go to, nobody is waited for so long
_LIMITS = Limits(timeout_seconds=5.0, attempts=2)
_GLANCE = Limits(timeout_seconds=2.0, attempts=1)

log = structlog.get_logger("chain")


@dataclass(slots=True, kw_only=True)
class GroupLink:
    """The group's chain behind the nodes that whoever runs the instance named."""

    instance: Instance
    nodes: Sequence[Node]
    #: the same nodes, asked briefly
    glances: Sequence[Node]
    #: why each of the others is not asked, by name
    passed_over: dict[str, str] = field(default_factory=dict)
    _asked: int = 0
    _looked: datetime | None = None

    @property
    def node(self) -> Node:
        """The one that is asked now."""
        return self.nodes[self._asked]

    @property
    def seals_at_once(self) -> bool:
        """Never: others make the blocks."""
        return False

    def deliver(self, raw_transactions: Sequence[bytes], now: int) -> list[SendAnswer]:
        """Each is sent to the one node; the first that is not taken ends it."""
        return RemoteLink(node=self.node).deliver(raw_transactions, now)

    def stop(self) -> None:
        """Closes the connections."""
        for node in (*self.nodes, *self.glances):
            node.close()

    # ------------------------------------------------------------ which to ask

    def prepare(self) -> None:
        """Before the first question: the node to ask is chosen, and the chain is surveyed.

        Raises VerificationFailed when a node is of another chain than the other nodes, before the
        first contract NotAnEndpoint when one of them is none for us, and what `survey` raises.
        """
        has_contracts = self._known()[0] is not None
        self._look(self._require_one_chain if has_contracts else self._require_right_addresses)
        survey(self.node, finality=self.instance.settings.finality, has_contracts=has_contracts)

    def look_around(self) -> bool:
        """Choose the node to ask; whether it is another than before."""
        before = self._asked
        self._look()
        return self._asked != before

    def look_around_now_and_then(self) -> None:
        """The same, when it was long ago."""
        now = self.instance.clock()
        if self._looked is None or has_passed(LOOK_EVERY, self._looked, now):
            self.look_around()

    def _look(self, require: Callable[[Sequence[_Seen]], None] | None = None) -> None:
        if len(self.nodes) == 1:
            return
        self._looked = self.instance.clock()
        deployment, cursor = self._known()
        seen = [_glance(each, cursor) for each in self.glances]
        if require is not None:
            require(seen)
        wanted = None if deployment is None else (deployment.chain_id, deployment.genesis_hash)
        self._choose(_compared(seen, wanted))

    def _known(self) -> tuple[Deployment | None, Cursor | None]:
        with self.instance.database.reading() as tx:
            has_one = find_setting(tx, DEPLOYMENT_SETTING) is not None
            return (self.instance.deployment_in(tx) if has_one else None), find_cursor(tx)

    def _require_right_addresses(self, seen: Sequence[_Seen]) -> None:
        """Whoever founds a ledger can correct them; later, the others go on without that one."""
        for each in seen:
            if each.not_for_us is not None:
                raise each.not_for_us
        self._require_one_chain(seen)

    def _require_one_chain(self, seen: Sequence[_Seen]) -> None:
        """What is configured wrongly is said at once, not when the node is needed."""
        found = [(node, each) for node, each in zip(self.nodes, seen, strict=True) if each.chain]
        for node, each in found[1:]:
            if each.chain != found[0][1].chain:
                raise VerificationFailed(
                    f"{node.name} is of {_named(each)}, and {found[0][0].name} of "
                    f"{_named(found[0][1])}",
                    field="STERILEDGER_CHAIN_URL",
                    rule="all nodes that are named are of one chain",
                    remedy="leave out the address that is of the wrong one",
                )

    def _choose(self, why_not: Sequence[str]) -> None:
        """The one that is asked while it is well, else the first that is; else nothing changes."""
        names = [node.name for node in self.nodes]
        told = {name: why for name, why in zip(names, why_not, strict=True) if why}
        well = [place for place, why in enumerate(why_not) if not why]
        before = self._asked
        if well and self._asked not in well:
            self._asked = well[0]
        if self._asked != before or set(told) != set(self.passed_over):
            log.info("chain_asked", url=self.node.name, of=len(self.nodes), passed_over=told)
        self.passed_over = told


def open_group(instance: Instance) -> GroupLink:
    """The group's chain, its node chosen; raises what `prepare` raises."""
    urls = instance.settings.chain_urls
    limits = _LIMITS if len(urls) > 1 else None
    link = GroupLink(
        instance=instance,
        nodes=[Node(url, limits=limits) for url in urls],
        glances=[Node(url, limits=_GLANCE) for url in urls],
    )
    try:
        link.prepare()
    except NotAnEndpoint as error:
        link.stop()
        raise InvalidInput(
            error.what, field="STERILEDGER_CHAIN_URL", rule=error.rule, remedy=error.remedy
        ) from None
    except BaseException:
        link.stop()
        raise
    return link


# ---------------------------------------------------------------- how a node stands


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """How one node stands."""

    #: number and the first block's hash; None when it did not say
    chain: tuple[int, bytes] | None = None
    #: of its newest block; 0 when it did not say
    height: int = 0
    #: block to hash, so far down that nodes which are well agree
    hash_at: Callable[[int], bytes | None] = lambda _: None
    #: why it cannot be asked, in words; empty when it can
    why_not: str = ""
    #: it answers, and is no endpoint, or does not let us in
    not_for_us: NotAnEndpoint | None = None


def _glance(node: Node, cursor: Cursor | None) -> _Seen:
    try:
        chain, newest = (node.chain_id(), node.genesis_hash()), node.block("latest")
        height = 0 if newest is None else newest.number
        return _Seen(
            chain=chain,
            height=height,
            hash_at=lambda at: _hash_at(node, at),
            why_not=_own_trouble(node, height, cursor),
        )
    except ChainUnavailable as error:
        return _Seen(
            why_not=error.what.removeprefix(f"{node.name} "),
            not_for_us=error if isinstance(error, NotAnEndpoint) else None,
        )


def _own_trouble(node: Node, height: int, cursor: Cursor | None) -> str:
    if node.is_syncing():
        return f"it is still syncing, at block {height}"
    if cursor is None:
        return ""
    if height < cursor.height:
        return f"it is behind: its newest block is {height}, and {cursor.height} is indexed"
    has_it = _hash_at(node, cursor.height) == cursor.hash
    return "" if has_it else f"it is on another fork: its block {cursor.height} is not the indexed"


def _hash_at(node: Node, height: int) -> bytes | None:
    block = node.block(height)
    return None if block is None else block.hash


def _compared(seen: Sequence[_Seen], wanted: tuple[int, bytes] | None) -> list[str]:
    """Why each cannot be asked, seen beside the others; empty where it can."""
    why = [each.why_not for each in seen]
    if wanted is not None:
        for place, each in enumerate(seen):
            if each.chain not in {None, wanted}:
                why[place] = f"it is of {_named(each)}, where the contracts are not"
    well = [place for place, each in enumerate(why) if not each]
    highest = max((seen[place].height for place in well), default=0)
    for place in well:
        missing = highest - seen[place].height
        if missing > BEHIND:
            why[place] = f"it is {missing} blocks behind"
    _find_forks(seen, why)
    return why


def _find_forks(seen: Sequence[_Seen], why: list[str]) -> None:
    """Where most of three or more agree on a block, the others are on another fork."""
    well = [place for place, each in enumerate(why) if not each]
    if len(well) < _FEWEST:
        return
    height = max(min(seen[place].height for place in well) - _SETTLED, 0)
    try:
        hashes = {place: seen[place].hash_at(height) for place in well}
    except ChainUnavailable:  # gone this moment: the next look finds out
        return
    most, count = Counter(hashes.values()).most_common(1)[0]
    if 2 * count > len(well):
        for place in well:
            if hashes[place] != most:
                why[place] = f"it is on another fork: most have another block {height}"


def _named(seen: _Seen) -> str:
    number, first = seen.chain or (0, b"")
    return f"chain {number} with the first block {to_hex(first)}"
