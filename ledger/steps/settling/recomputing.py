"""A chain alone → the account, held against what was published and against a file."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ledger.domain.acts import publication
from ledger.domain.acts.vocabulary import word
from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.events import TOPICS, parse_event
from ledger.domain.errors import InvalidInput
from ledger.domain.statement.agreement import Agreement
from ledger.domain.statement.comparing import Difference, find_difference, find_missing
from ledger.domain.statement.periods import Period, parse_period
from ledger.evidence.onchain import EventReader
from ledger.steps.settling.computing import Computed, events_of
from ledger.steps.settling.reading import entries_of_chain
from ledger.steps.starting.source import Source


def compare(
    source: Source,
    deployment: Deployment,
    documents: Sequence[Agreement],
    computed: Computed,
    given: bytes,
) -> tuple[Difference, bytes | None] | None:
    """Where a given account first differs, and the event that it lacks; None for the same bytes.

    Raises InvalidInput for what is no account.
    """
    if given == computed.data:
        return None
    try:
        plain = json.loads(given)
    except (ValueError, RecursionError):
        plain = None
    if not isinstance(plain, dict):
        raise InvalidInput("is no account", field="against", rule="the JSON of an account")
    difference = find_difference(computed.account, plain)
    if difference is None:
        rule = "an account has one form, RFC 8785"
        raise InvalidInput("says the same in other bytes", field="against", rule=rule)
    if difference.line is None:
        return difference, None
    period = parse_period(computed.account["period"])
    key = computed.books.months[period].lines[difference.line].key
    entries = entries_of_chain(source, deployment, computed.closing)
    events = [each.digest for each in events_of(key, period, documents, entries)]
    return difference, find_missing(events, difference.trace)


def published_on(source: EventReader, deployment: Deployment, period: Period) -> bytes | None:
    """The hash of the first standing publication of a month on the chain; None without one."""
    contracts = deployment.recording_contracts()
    newest = source.block("latest")
    if newest is None:
        return None
    act = publication.ACT
    logs = source.logs(
        list(contracts),
        min(deployment.deployed_at, newest.number),
        newest.number,
        topics=[[TOPICS[act.contract][act.event]], None, [period.word]],
    )
    events = [parse_event(log, contracts) for log in logs]
    replaced = {word(event.message, "replaces") for event in events}
    standing = [e for e in events if e.act is act and e.digest not in replaced]
    return word(standing[0].message, "content") if standing else None
