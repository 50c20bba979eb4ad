"""Content credentials of pictures: statements, signature, and trust."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.conf import LazySettings
from PIL import Image

from apps.engines.types import EngineUnavailable
from apps.images.provenance import content_credentials
from tests.images.draw_helper import make_png


def test_a_signed_picture_says_that_a_model_drew_it_and_looks_the_same() -> None:
    signed = content_credentials.sign_picture(make_png(), "/models/painter")
    said = content_credentials.read_credentials(signed, "image/png")
    assert said and (said.intact, said.by_model, said.generator) == (True, True, "Openbook")
    assert Image.open(io.BytesIO(signed)).tobytes() == Image.open(io.BytesIO(make_png())).tobytes()
    assert b"/models/" not in signed, "no path of this machine is told to the world"


def test_pictures_stay_unsigned_and_unread_without_the_package(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = make_png()
    signed = content_credentials.sign_picture(plain, "painter")
    monkeypatch.setattr(content_credentials, "find_spec", lambda name: None)
    assert content_credentials.sign_picture(plain, "painter") == plain
    assert content_credentials.read_credentials(signed, "image/png") is None
    head = content_credentials.PNG_HEAD_BYTES
    assert content_credentials.is_signed(signed[:head]) and not content_credentials.is_signed(plain[:head])
    settings.SIGN_KEY = "/etc/key.pem"
    with pytest.raises(EngineUnavailable, match="c2pa-python"):
        content_credentials.sign_picture(plain, "painter")


def test_a_self_made_key_is_called_one_that_nobody_vouches_for(settings: LazySettings) -> None:
    said = content_credentials.read_credentials(content_credentials.sign_picture(make_png(), "painter"), "image/png")
    assert said and not said.trusted and "self-made" in said.signer
    key = Path(settings.DATA_DIR) / "credentials.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    before = key.read_bytes()
    content_credentials.sign_picture(make_png(), "painter")
    assert key.read_bytes() == before, "it is made once"


def test_a_changed_picture_no_longer_fits_its_credentials() -> None:
    signed = bytearray(content_credentials.sign_picture(make_png(), "painter"))
    at = signed.rindex(b"IDAT") + 10
    signed[at] ^= 1
    said = content_credentials.read_credentials(bytes(signed), "image/png")
    assert said and not said.intact


def test_credentials_cannot_be_moved_to_another_picture() -> None:
    signed, other = content_credentials.sign_picture(make_png(), "painter"), make_png("red")
    first = signed.index(b"IHDR") + 4 + 13 + 4  # the credentials come right behind the header
    chunk = signed[first : signed.index(b"IDAT") - 4]
    head = other.index(b"IHDR") + 4 + 13 + 4
    said = content_credentials.read_credentials(other[:head] + chunk + other[head:], "image/png")
    assert said and not said.intact


def test_a_picture_without_credentials_says_nothing() -> None:
    assert content_credentials.read_credentials(make_png(), "image/png") is None
    assert content_credentials.read_credentials(b"no picture", "image/png") is None


def test_the_operator_s_own_key_signs(settings: LazySettings, tmp_path: Path) -> None:
    key_path = tmp_path / "own.pem"
    content_credentials._make(key_path)
    both = key_path.read_bytes()
    at = both.index(b"-----BEGIN PRIVATE KEY-----")
    (tmp_path / "chain.pem").write_bytes(both[:at])
    (tmp_path / "key.pem").write_bytes(both[at:])
    settings.SIGN_CERTIFICATES, settings.SIGN_KEY = str(tmp_path / "chain.pem"), str(tmp_path / "key.pem")
    said = content_credentials.read_credentials(content_credentials.sign_picture(make_png(), "painter"), "image/png")
    assert said and said.intact
    assert not (tmp_path / "credentials.pem").exists(), "none is made where there is one"


@pytest.mark.parametrize("left", [b"", b"-----BEGIN CERTIFICATE-----\nMIIB"])
def test_a_key_that_was_half_written_when_its_process_was_killed_is_made_anew(
    settings: LazySettings, left: bytes
) -> None:
    key_path = Path(settings.DATA_DIR) / "credentials.pem"
    key_path.write_bytes(left)
    signed = content_credentials.sign_picture(make_png(), "stripes")
    assert (said := content_credentials.read_credentials(signed, "image/png")) and said.intact
    assert key_path.stat().st_mode & 0o777 == 0o600 and [path.name for path in key_path.parent.glob("*.pem*")] == [
        key_path.name
    ]


def test_first_signers_at_the_same_time_use_one_key(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    link, key_path = content_credentials.os.link, Path(settings.DATA_DIR) / "credentials.pem"

    def late(made: Path, there: Path) -> None:
        other = content_credentials._make if not key_path.exists() else None
        monkeypatch.setattr(content_credentials.os, "link", link)
        if other:
            other(key_path)  # another process was quicker
        link(made, there)

    monkeypatch.setattr(content_credentials.os, "link", late)
    first = content_credentials._keys()
    assert first == content_credentials._keys() and [path.name for path in key_path.parent.glob("*.pem*")] == [
        key_path.name
    ]


@pytest.mark.parametrize("missing", ["SIGN_KEY", "SIGN_CERTIFICATES"])
def test_a_key_that_is_not_there_is_named(settings: LazySettings, missing: str) -> None:
    content_credentials.sign_picture(make_png(), "painter")
    settings.SIGN_CERTIFICATES = settings.SIGN_KEY = str(Path(settings.DATA_DIR) / "credentials.pem")
    setattr(settings, missing, "/nowhere.pem")
    with pytest.raises(content_credentials.EngineUnavailable, match=missing):
        content_credentials.sign_picture(make_png(), "painter")
