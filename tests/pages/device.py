"""A person's device with a passkey, without a browser: it answers what pages ask (WebAuthn)."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from ledger.steps.instance import Instance
from ledger.storage.accounts import PasskeyRow, insert_passkey

#: the person was there, and the device verified them
VERIFIED, PRESENT = 0x05, 0x01


@dataclass
class Device:
    """Holds one passkey over P-256."""

    origin: str = "http://testserver"
    flags: int = VERIFIED
    id: bytes = b"a passkey of a test"
    _secret: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    count: int = 0

    def add_to(self, instance: Instance, account: str) -> None:
        """The passkey becomes one of the account's."""
        public = self._secret.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (public.x, public.y))
        # COSE (RFC 9053 §7.1.1): an EC2 key over P-256 for ES256
        key = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        with instance.database.transaction() as tx:
            insert_passkey(
                tx,
                PasskeyRow(
                    id=self.id, account=account, public_key=key, sign_count=0,
                    created_at=instance.clock(),
                ),
            )  # fmt: skip

    def answer(self, page: str) -> str:
        """What the device says to the question on a page."""
        asked = re.search(r'data-passkey="get" data-options="(.*?)" hidden', page)
        assert asked, page[:2000]
        options = json.loads(asked[1])
        assert options["userVerification"] == "required"
        return self.answer_to(options["challenge"], options["rpId"])

    def answer_to(self, challenge: str, site: str) -> str:
        """The same for a challenge."""
        self.count += 1
        said = {"type": "webauthn.get", "challenge": challenge, "origin": self.origin}
        client = json.dumps(said, separators=(",", ":")).encode()
        counted = bytes([self.flags]) + self.count.to_bytes(4, "big")
        data = hashlib.sha256(site.encode()).digest() + counted
        signature = self._secret.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {"clientDataJSON": client, "authenticatorData": data, "signature": signature}
        name = _text(self.id)
        return json.dumps(
            {
                "id": name, "rawId": name, "type": "public-key",
                "response": {part: _text(value) for part, value in response.items()},
            }
        )  # fmt: skip


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
