"""How the instance stands, and the trust root that it writes to."""

from __future__ import annotations

import json

from starlette.responses import Response

from api import answers
from api.access import LedgerRouter, Question
from ledger.domain.chain.deployment import deployment_to_json
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.encoding.moments import instant_text
from ledger.steps.answering.status import ChainStatus, Status, status
from ledger.storage.operations import count_by_state

router = LedgerRouter("/v1", tag="instance")


@router.read("/status", answers.StatusAnswer)
def read_status(question: Question) -> Response:
    """The chain, what is owed to it, and what is stuck; operations are counted as you may read."""
    unit = question.caller.readable_unit
    stands = status(question.instance)
    with question.instance.database.reading() as tx:
        counts = count_by_state(tx, unit=unit)
    return answers.give(
        answers.StatusAnswer(
            at=instant_text(stands.at),
            fingerprint=None if stands.fingerprint is None else to_hex(stands.fingerprint),
            chain_id=stands.chain_id,
            finality=stands.finality,
            clock=None if stands.clock is None else stands.clock.reason,
            worker=_worker(stands),
            chain=None if stands.chain is None else _chain(stands, stands.chain),
            operations={state.value: count for state, count in counts.items()},
            oldest_owed_seconds=None
            if stands.oldest_owed is None
            else stands.oldest_owed.waited_seconds,
            stuck=len(stands.stuck),
            has_writer=stands.lease is not None,
            custody={custody.name.lower(): count for custody, count in stands.custody.items()},
        )
    )


@router.read("/deployment", answers.DeploymentAnswer)
def read_deployment(question: Question) -> Response:
    """The deployment; a verifier compares its fingerprint with one from elsewhere."""
    deployment = question.instance.deployment()
    return answers.give(
        answers.DeploymentAnswer(
            fingerprint=to_hex(deployment.fingerprint()),
            deployment=json.loads(deployment_to_json(deployment)),
        )
    )


def _chain(stands: Status, chain: ChainStatus) -> answers.ChainStatusAnswer:
    return answers.ChainStatusAnswer(
        height=chain.height,
        final=chain.final,
        indexed=chain.indexed,
        lag=stands.lag or 0,
        head_age_seconds=stands.head_age_seconds,
        heartbeat_age_seconds=stands.heartbeat_age_seconds,
        asked=chain.asked,
    )


def _worker(stands: Status) -> answers.WorkerAnswer:
    trouble = stands.waits or stands.halted
    return answers.WorkerAnswer(
        state=stands.worker,
        since=None if trouble is None else instant_text(trouble.since),
        reason=None if trouble is None else trouble.reason,
        remedy=None if trouble is None else trouble.remedy,
    )
