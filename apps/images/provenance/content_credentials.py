"""Sign pictures with content credentials (C2PA), and read them: a model drew it, which one, and from what.

The key is the operator's (`SIGN_KEY`, `SIGN_CERTIFICATES`) or made here on first use. A self-made key proves only that
a picture was not changed. Readers report it as "signingCredential.untrusted", and so does Openbook. Without the
package c2pa of the extra `pictures` nothing is signed or read: `can_sign`, `is_signed`.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings

from apps.engines.types import EngineUnavailable

GENERATOR = "Openbook"
_SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_YEARS = 10
_UNTRUSTED = "signingCredential.untrusted"
_NOT_INSTALLED = "Pictures cannot be signed: the package c2pa-python is not installed. Run ./run setup."
_KEY = b"-----BEGIN PRIVATE KEY-----"
PNG_HEAD_BYTES = 64  # signature and first chunk take 33; the credentials follow
FORMATS = {"image/png", "image/jpeg", "image/webp"}


@dataclass(frozen=True, slots=True)
class ContentCredentials:
    """Statements of a picture's credentials. `intact`: nothing was changed since it was signed."""

    intact: bool
    trusted: bool  # True if readers of C2PA know the signer
    signer: str
    generator: str
    by_model: bool  # True if it states that a model made it
    derived: bool = False  # True if it names a picture that it was made from


def can_sign() -> bool:
    """Return whether the package is installed that signs pictures and reads their credentials."""
    return find_spec("c2pa") is not None


def is_signed(head: bytes) -> bool:
    """Return whether a PNG written here holds credentials; `head` are its first PNG_HEAD_BYTES."""
    return b"caBX" in head[:PNG_HEAD_BYTES]  # type of the chunk


def sign_picture(png: bytes, model: str, parent: bytes = b"", action: str = "c2pa.edited") -> bytes:
    """Return the PNG with signed credentials; unchanged where `can_sign` is false. Must be the last change: any later
    one breaks the signature.

    `parent` is the PNG that it was made from, by that C2PA action; b"" for none. Raises EngineUnavailable if the
    operator's key cannot be read or used.
    """
    if not can_sign():
        if settings.SIGN_KEY or settings.SIGN_CERTIFICATES:
            raise EngineUnavailable(_NOT_INSTALLED)
        return png
    from c2pa import Builder, C2paSignerInfo, C2paSigningAlg, Context, Settings, Signer

    certificates, key = _keys()
    created = {"action": "c2pa.created", "digitalSourceType": _SOURCE, "softwareAgent": {"name": Path(model).name}}
    actions: list[dict[str, Any]] = [created]
    if parent:
        actions = [{"action": "c2pa.opened", "parameters": {"ingredientIds": ["parent"]}}, created | {"action": action}]
    manifest = {
        "claim_generator_info": [{"name": GENERATOR}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}],
    }
    quiet = Settings.from_dict({"builder": {"thumbnail": {"enabled": False}}, "verify": {"verify_after_sign": False}})
    signed = io.BytesIO()
    with (
        Signer.from_info(C2paSignerInfo(C2paSigningAlg.ES256, certificates, key, None)) as signer,
        Context(quiet) as context,
        Builder(manifest, context=context) as builder,
    ):
        if parent:
            ingredient = {"title": "The picture that it was made from", "relationship": "parentOf", "label": "parent"}
            builder.add_ingredient(json.dumps(ingredient), "image/png", io.BytesIO(parent))
        builder.sign(signer, "image/png", io.BytesIO(png), signed)
    return signed.getvalue()


def read_credentials(picture: bytes, kind: str) -> ContentCredentials | None:
    """Return the credentials of a picture; None if it has none that can be read, or `can_sign` is false. `kind` is one
    of FORMATS."""
    if not can_sign():
        return None
    from c2pa import C2paError, Reader

    try:
        with Reader(kind, io.BytesIO(picture)) as reader:
            state, results = reader.get_validation_state(), reader.get_validation_results() or {}
            manifest = reader.get_active_manifest() or {}
    except C2paError:
        return None
    failures = {item.get("code") for item in results.get("activeManifest", {}).get("failure", [])}
    signature = manifest.get("signature_info", {})
    return ContentCredentials(
        intact=state != "Invalid",
        trusted=_UNTRUSTED not in failures,
        signer=str(signature.get("issuer", "")),
        generator=str((manifest.get("claim_generator_info") or [{}])[0].get("name", "")),
        by_model=_SOURCE in str(manifest.get("assertions", "")),
        derived=any(item.get("relationship") == "parentOf" for item in manifest.get("ingredients") or []),
    )


def _keys() -> tuple[bytes, bytes]:
    """Return certificates (leaf first) and private key, both PEM."""
    if settings.SIGN_KEY or settings.SIGN_CERTIFICATES:
        return _read_setting_file("SIGN_CERTIFICATES"), _read_setting_file("SIGN_KEY")
    path = Path(settings.DATA_DIR) / "credentials.pem"
    pem = path.read_bytes() if path.exists() else b""
    if _KEY not in pem:
        _make(path)
        pem = path.read_bytes()
    at = pem.index(_KEY)
    return pem[:at], pem[at:]


def _read_setting_file(setting: str) -> bytes:
    try:
        return Path(getattr(settings, setting)).read_bytes()
    except OSError as error:
        raise EngineUnavailable(f"Pictures cannot be signed: {setting} names no file that can be read.") from error


def _make(path: Path) -> None:
    """Write a new key with its certificates to `path`.

    One file, linked into place: processes that make one at the same time never mix theirs, and a killed one leaves at
    most a temporary file.
    """
    root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    above = _certificate("self-made root", root, "self-made root", root)
    below = _certificate("self-made key", leaf, "self-made root", root)
    pem = serialization.Encoding.PEM
    key = leaf.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        file.write(below.public_bytes(pem) + above.public_bytes(pem) + key)
    temporary = Path(file.name)
    try:
        if path.exists():  # a half-written file without a key
            temporary.replace(path)
        else:
            os.link(temporary, path)
    except FileExistsError:
        pass  # another process was first
    except OSError:  # a disk without links
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _certificate(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    top, now = subject == issuer, datetime.now(UTC)
    others = "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"
    usage: dict[str, Any] = dict.fromkeys((*others, "encipher_only", "decipher_only"), False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject)).issuer_name(_name(issuer)).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5)).not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.BasicConstraints(top, 0 if top else None), True)
        .add_extension(x509.KeyUsage(digital_signature=not top, key_cert_sign=top, crl_sign=top, **usage), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
    )  # fmt: skip
    if not top:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
    return builder.sign(signer, hashes.SHA256())


def _name(words: str) -> x509.Name:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"{GENERATOR}, self-made key")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, words), organisation])
