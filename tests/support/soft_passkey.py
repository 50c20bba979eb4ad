"""Authenticator of passkeys in software, which answers the options of a page as a browser does."""

from __future__ import annotations

import json
import secrets
import struct
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_encode

_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40  # flags of authenticator data


@dataclass
class SoftPasskey:
    """Passkey of one account on one device. `origin` is the page that its browser shows."""

    origin: str
    verifies: bool = True  # the device checks the user by fingerprint, face or PIN
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    pk: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    owner: str = ""

    def create(self, options: dict[str, Any]) -> str:
        """Return the answer to `navigator.credentials.create()` as JSON."""
        wanted = options["publicKey"]
        self.owner = wanted["user"]["id"]
        key = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        data = self._data(wanted["rp"]["id"], _ATTESTED) + bytes(16) + struct.pack(">H", len(self.pk)) + self.pk + key
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", wanted["challenge"])
        return self._answer(clientDataJSON=client, attestationObject=attestation)

    def get(self, options: dict[str, Any]) -> str:
        """Return the answer to `navigator.credentials.get()` as JSON."""
        wanted = options["publicKey"]
        data = self._data(wanted["rpId"])
        client = self._client("webauthn.get", wanted["challenge"])
        signature = self.key.sign(data + sha256(client).digest(), ec.ECDSA(SHA256()))
        answer = self._answer(clientDataJSON=client, authenticatorData=data, signature=signature)
        found = json.loads(answer)
        found["response"]["userHandle"] = self.owner
        return json.dumps(found)

    def _data(self, site: str, flags: int = 0) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self.verifies else 0)
        return sha256(site.encode()).digest() + struct.pack(">BI", flags, 0)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, **parts: bytes) -> str:
        pk = websafe_encode(self.pk)
        response = {name: websafe_encode(value) for name, value in parts.items()}
        return json.dumps(
            {"id": pk, "rawId": pk, "type": "public-key", "clientExtensionResults": {}, "response": response}
        )
