"""First start → contracts: keys, the chain's genesis, and the deployment that everybody trusts.

Every part is stored before it is used and made once: a crash anywhere and another start lead to
the same end.
"""

from __future__ import annotations

from sqlalchemy import Connection

from ledger.chain.deploy import finish_deployment, verify_deployment
from ledger.chain.embedded import RELAYER_BALANCE, Genesis
from ledger.chain.transactions import Relayer
from ledger.crashing import crash_point
from ledger.domain.chain.deployment import Deployment, deployment_to_json, parse_deployment
from ledger.domain.encoding.identifiers import signer_id
from ledger.domain.errors import RESTORE_BACKUP, Inconsistent, NotFound
from ledger.keys.accounts import account_address, create_account
from ledger.keys.receipts import create_receipt_key, receipt_public_key
from ledger.keys.signers import Algorithm
from ledger.keys.vault import KEY_PURPOSE
from ledger.steps.instance import Instance
from ledger.steps.starting.belonging import DEPLOYMENT_SETTING, write_deployment_file
from ledger.steps.starting.creating import PLAN_SETTING, Creator
from ledger.steps.starting.link import GENESIS_SETTING, Link, genesis_to_bytes
from ledger.storage.keys import KeyPurpose, KeyRow, insert_key, list_keys
from ledger.storage.settings import find_setting, insert_setting

__all__ = [
    "PLAN_SETTING",
    "ensure_deployment",
    "ensure_home",
    "get_held_key",
    "open_relayer",
]

_NAME = "SteriLedger"


# ---------------------------------------------------------------- keys and genesis


def ensure_home(instance: Instance) -> None:
    """The home's keys and, for the embedded chain, its genesis; made once, in one transaction."""
    with instance.database.transaction() as tx:
        if not list_keys(tx, purpose=KeyPurpose.RELAYER, limit=1):
            _make_keys(instance, tx)
        if instance.settings.is_embedded and find_setting(tx, GENESIS_SETTING) is None:
            insert_setting(tx, GENESIS_SETTING, genesis_to_bytes(_genesis(instance, tx)))
        crash_point("home.written")
    crash_point("home.made")


def _make_keys(instance: Instance, tx: Connection) -> None:
    for purpose in (KeyPurpose.AUTHORITY, KeyPurpose.RELAYER):
        account = create_account()
        _keep(
            instance,
            tx,
            purpose,
            algorithm=Algorithm.SECP256K1,
            public=account_address(account),
            secret=account,
        )
    receipt = create_receipt_key()
    _keep(
        instance,
        tx,
        KeyPurpose.RECEIPT,
        algorithm=Algorithm.ED25519,
        public=receipt_public_key(receipt),
        secret=receipt,
    )


def _keep(  # noqa: PLR0913 - a key, and where it is kept
    instance: Instance,
    tx: Connection,
    purpose: KeyPurpose,
    *,
    algorithm: Algorithm,
    public: bytes,
    secret: bytes,
) -> None:
    identifier = signer_id(public)
    row = KeyRow(
        signer_id=identifier,
        signer=public,
        algorithm=algorithm.value,
        purpose=purpose,
        label=purpose.value,
        private_key=instance.vault.encrypt(secret, purpose=KEY_PURPOSE, row=identifier.hex()),
        created_at=instance.clock(),
    )
    insert_key(tx, row)


def _genesis(instance: Instance, tx: Connection) -> Genesis:
    """Random chain id; the relayer can pay, and nobody else needs to."""
    return Genesis(
        # 2⁴⁰ to 2⁴⁸: beyond every registered network, within what every tool reads exactly
        chain_id=(1 << 40) + int.from_bytes(instance.randomness(5), "big"),
        timestamp=int(instance.clock().timestamp()),
        balances={get_held_key(tx, KeyPurpose.RELAYER).signer: RELAYER_BALANCE},
    )


def get_held_key(tx: Connection, purpose: KeyPurpose) -> KeyRow:
    """The home's one key of a purpose; raises NotFound before the first start."""
    rows = list_keys(tx, purpose=purpose, limit=2)
    if not rows:
        raise NotFound(
            f"this home has no {purpose} key yet",
            field="home",
            remedy="steriledger up",
            rule="the first start makes the keys",
        )
    if len(rows) > 1:
        raise Inconsistent(
            f"this home has several {purpose} keys",
            field="keys",
            rule="a home has exactly one",
            remedy="steriledger audit names what was added. From a backup of before: "
            f"{RESTORE_BACKUP}",
        )
    return rows[0]


def open_relayer(instance: Instance) -> Relayer:
    """The account that pays."""
    with instance.database.reading() as tx:
        row = get_held_key(tx, KeyPurpose.RELAYER)
    secret = instance.vault.decrypt(row.private_key, purpose=KEY_PURPOSE, row=row.signer_id.hex())
    return Relayer(private_key=secret)


# ---------------------------------------------------------------- contracts


def ensure_deployment(instance: Instance, link: Link) -> Deployment:
    """The home's contracts, created when they are not there yet, and always checked on the chain.

    Raises VerificationFailed when the chain is not the deployment's, and what `Creator.create`
    raises.
    """
    with instance.database.reading() as tx:
        body = find_setting(tx, DEPLOYMENT_SETTING)
    if body is None:
        deployment = _deploy(instance, link)
    else:
        deployment = parse_deployment(body)
        verify_deployment(link.node, deployment)
    write_deployment_file(instance.settings.home, deployment)
    return deployment


def _deploy(instance: Instance, link: Link) -> Deployment:
    with instance.database.reading() as tx:
        authority = get_held_key(tx, KeyPurpose.AUTHORITY).signer
        receipt_key = get_held_key(tx, KeyPurpose.RECEIPT).signer
    plan = Creator(
        instance=instance, link=link, relayer=open_relayer(instance), authority=authority
    ).create()
    crash_point("deploy.created")
    deployment = finish_deployment(link.node, plan, name=_NAME, receipt_key=receipt_key)
    with instance.database.transaction() as tx:
        insert_setting(tx, DEPLOYMENT_SETTING, deployment_to_json(deployment))
    crash_point("deploy.stored")
    return deployment
