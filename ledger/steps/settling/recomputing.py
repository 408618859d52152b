"""A chain alone → the account, held against what was published and against a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.chain.deploy import verify_deployment
from ledger.domain.acts import publication
from ledger.domain.acts.vocabulary import word
from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.events import TOPICS, parse_event
from ledger.domain.errors import InvalidInput
from ledger.domain.statement.agreement import Agreement
from ledger.domain.statement.comparing import Difference, find_difference, find_missing
from ledger.domain.statement.periods import Period, parse_period
from ledger.evidence.onchain import EventReader
from ledger.steps.settling.computing import Computed, compute, events_of, offset_of
from ledger.steps.settling.reading import entries_of_chain, find_closing
from ledger.steps.starting.source import Source, final_height


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """Where two accounts first differ."""

    difference: Difference
    #: the event that the given one lacks, where it has all before it
    missing: bytes | None = None
    #: the events of the line where they differ, in the chain's order
    behind: Sequence[bytes] = ()


def recompute(
    source: Source,
    deployment: Deployment,
    documents: Sequence[Agreement],
    period: Period,
    *,
    finality: str,
) -> Computed:
    """From a chain alone, without a database: the deployment is checked, and every event."""
    verify_deployment(source, deployment)
    final = final_height(source, finality)
    closing = find_closing(source, period, offset_of(documents), final)
    entries = entries_of_chain(source, deployment, closing, final)
    return compute(entries, documents, period, closing, deployment=deployment)


def compare(
    source: Source,
    deployment: Deployment,
    documents: Sequence[Agreement],
    computed: Computed,
    given: bytes,
) -> Differing | None:
    """Where a given account first differs, and which events say so; None for the same bytes.

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
    difference = find_difference(json.loads(computed.data), plain)
    if difference is None:
        rule = "an account has one form, RFC 8785"
        raise InvalidInput("says the same in other bytes", field="against", rule=rule)
    if difference.line is None:
        return Differing(difference=difference)
    period = parse_period(computed.account["period"])
    key = computed.books.months[period].lines[difference.line].key
    newest = final_height(source, "instant")
    entries = entries_of_chain(source, deployment, computed.closing, newest)
    events = [each.digest for each in events_of(key, period, documents, entries)]
    return Differing(
        difference=difference, missing=find_missing(events, difference.trace), behind=events
    )


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
