"""TradeTrust's TitleEscrow, fetched for the run: one document handed from holder to holder."""

from __future__ import annotations

from eth_account import Account
from web3.contract.contract import ContractFunction
from web3.middleware import SignAndSendRawMiddlewareBuilder
from web3.types import Wei

from scripts.benchmarks.eas import POLL_SECONDS, web3_at
from scripts.benchmarks.published import deploy, fetch_artifacts

PACKAGE = "@tradetrust-tt/token-registry"
VERSION = "5.5.1"
_ARTIFACTS = {
    name: f"dist/artifacts/{name}.sol/{name}.json"
    for name in ("TradeTrustToken", "TitleEscrow", "TitleEscrowFactory")
}
_DOCUMENT = int.from_bytes(b"\1" * 32)
#: where a record's commitment stands with us
_REMARK = b"\2" * 32
_COINS = 10**18


def title_escrow_gas(url: str, private_key: bytes) -> dict[str, float]:
    """Gas of minting a document, and of each transfer, on a node that mines at once.

    A transfer is what its holder alone says; the first one of a document writes a new word.
    """
    one, other = Account.from_key(private_key), Account.create()
    w3 = web3_at(url)
    for account in (one, other):
        w3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(account), layer=0)
    w3.eth.default_account = one.address
    artifacts = fetch_artifacts(PACKAGE, VERSION, _ARTIFACTS)

    def mined(call: ContractFunction, by: str) -> float:
        receipt = w3.eth.wait_for_transaction_receipt(
            call.transact({"from": by}), poll_latency=POLL_SECONDS
        )
        if receipt["status"] != 1:
            raise RuntimeError(f"{call.fn_name} failed")
        return receipt["gasUsed"]

    factory = deploy(w3, artifacts["TitleEscrowFactory"])
    registry = deploy(w3, artifacts["TradeTrustToken"], "Documents", "D", factory.address)
    w3.eth.wait_for_transaction_receipt(
        w3.eth.send_transaction({"to": other.address, "value": Wei(_COINS)})
    )
    minted = mined(
        registry.functions.mint(one.address, one.address, _DOCUMENT, _REMARK), one.address
    )
    escrow = w3.eth.contract(
        registry.functions.ownerOf(_DOCUMENT).call(), abi=artifacts["TitleEscrow"]["abi"]
    )
    transfer = escrow.functions.transferHolder
    return {
        "minted": minted,
        "first_transfer": mined(transfer(other.address, _REMARK), one.address),
        "transfer": mined(transfer(one.address, _REMARK), other.address),
    }
