"""Malformed credentials, and credentials of others, give no access and cause no server error."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.documents.models import Collection
from apps.users import api_tokens
from apps.users.models import ApiToken, User

pytestmark = pytest.mark.django_db(transaction=True)
SCOPES = [scope.value for scope in ApiToken.Scope]
MANGLED = {
    "cut by one": lambda secret: secret[:-1],
    "one more": lambda secret: secret + "x",
    "twice": lambda secret: secret * 2,
    "upper case": lambda secret: secret.upper(),
    "swapped case": lambda secret: secret.swapcase(),
    "reversed": lambda secret: secret[::-1],
    "without prefix": lambda secret: secret.removeprefix("ob_"),
    "prefix twice": lambda secret: "ob_" + secret,
    "null inside": lambda secret: secret[:5] + "\x00" + secret[5:],
    "percent coded": lambda secret: "".join(f"%{ord(char):02x}" for char in secret),
    "full width": lambda secret: "".join(chr(ord(char) + 0xFEE0) for char in secret),
    "zero width space": lambda secret: secret[:8] + "\u200b" + secret[8:],
    "Cyrillic letter": lambda secret: secret.replace("o", "\u043e", 1),
    "quotes": lambda secret: f'"{secret}"',
    "pattern": lambda secret: secret[:4] + "%",
    "hash of it": lambda secret: api_tokens._hash(secret),
    "tail": lambda secret: secret[-4:],
    "very long": lambda secret: secret + "a" * 100_000,
    "list": lambda secret: f"[{secret}]",
    "two by comma": lambda secret: f"{secret}, {secret}",
}
SCHEMES = [
    "",
    "Basic ",
    "Token ",
    "Bearer",
    "Bearer\t",
    "Bearer: ",
    "Digest ",
    "Negotiate ",
    "OAuth ",
    "Bearer Bearer ",
]
WRONG_LOCATIONS = [
    lambda secret: {"query_params": {"access_token": secret}},
    lambda secret: {"query_params": {"token": secret, "api_key": secret}},
    lambda secret: {"headers": {"x-api-key": secret}},
    lambda secret: {"headers": {"x-authorization": f"Bearer {secret}"}},
    lambda secret: {"headers": {"proxy-authorization": f"Bearer {secret}"}},
    lambda secret: {"headers": {"cookie": f"session={secret}"}},
    lambda secret: {"headers": {"cookie": f"token={secret}; Authorization=Bearer {secret}"}},
]


def opens(**sent: object) -> bool:
    """Return whether a request reads the collections or makes one; neither may be an error of the server."""
    client = Client(raise_request_exception=False)
    read = client.get("/api/collections", **sent)
    made = client.post("/api/collections", {"name": "Taken"}, content_type="application/json", **sent)
    assert read.status_code < 500 and made.status_code < 500
    return read.status_code == 200 or made.status_code < 300


@pytest.fixture
def secret(alice: User) -> str:
    return api_tokens.create_token(alice, "mine", SCOPES, None)


def test_the_token_itself_opens(secret: str) -> None:
    assert opens(headers={"authorization": f"Bearer {secret}"})


@pytest.mark.parametrize("name", MANGLED)
def test_a_mangled_token_opens_nothing(secret: str, name: str) -> None:
    assert not opens(headers={"authorization": f"Bearer {MANGLED[name](secret)}"})
    assert not Collection.objects.filter(name="Taken").exists()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_authorization_scheme_other_than_bearer_gives_no_access(secret: str, scheme: str) -> None:
    assert not opens(headers={"authorization": f"{scheme}{secret}"})


@pytest.mark.parametrize("sent", WRONG_LOCATIONS)
def test_a_token_elsewhere_than_in_its_header_opens_nothing(secret: str, sent) -> None:
    assert not opens(**sent(secret))
