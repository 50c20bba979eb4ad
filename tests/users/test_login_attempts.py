"""Guessed passwords count for account and network, never against a known device."""

from __future__ import annotations

from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from apps.users import rate_limits
from apps.users.known_devices import COOKIE
from apps.users.models import User
from apps.users.models.rate_limit import LimitedResource, LimitScope, Rate
from tests.support.password import PASSWORD


def sign_in(client: Client, email: str, password: str = "wrong", address: str = "192.0.2.1") -> HttpResponse:  # noqa: S107
    cache.clear()  # django-allauth's own count, which one process keeps
    return client.post("/accounts/login/", {"login": email, "password": password}, REMOTE_ADDR=address)  # type: ignore[return-value]


def refused(response: HttpResponse) -> bool:
    return "Too many attempts" in response.content.decode()


def test_attempts_on_one_account_are_counted_from_everywhere(alice: User) -> None:
    rate_limits.change_limit(LimitScope.USER, LimitedResource.SIGN_INS, Rate(5, 0))
    found = [refused(sign_in(Client(), alice.email, address=f"192.0.2.{number}")) for number in range(8)]
    assert found == [False] * 5 + [True] * 3
    assert refused(sign_in(Client(), alice.email, PASSWORD, "192.0.2.99"))


def test_attempts_from_one_network_are_counted_over_all_accounts(alice: User) -> None:
    rate_limits.change_limit(LimitScope.ADDRESS, LimitedResource.SIGN_INS, Rate(5, 0))
    found = [refused(sign_in(Client(), f"nobody{number}@example.org")) for number in range(8)]
    assert found == [False] * 5 + [True] * 3
    spoofed = Client(headers={"X-Forwarded-For": "198.51.100.7"})
    assert refused(sign_in(spoofed, "other@example.org"))


def test_a_known_device_still_gets_in(alice: User) -> None:
    rate_limits.change_limit(LimitScope.USER, LimitedResource.SIGN_INS, Rate(3, 0))
    device = Client()
    assert sign_in(device, alice.email, PASSWORD).status_code == 302
    device.post("/accounts/logout/")
    while not refused(sign_in(Client(), alice.email, address="203.0.113.5")):
        pass
    assert sign_in(device, alice.email, PASSWORD).status_code == 302


def test_the_mark_of_a_device_serves_no_other_account(alice: User, bob: User) -> None:
    rate_limits.change_limit(LimitScope.USER, LimitedResource.SIGN_INS, Rate(3, 0))
    device = Client()
    sign_in(device, alice.email, PASSWORD)
    device.post("/accounts/logout/")
    assert [refused(sign_in(device, bob.email)) for _ in range(4)] == [False] * 3 + [True]
    device.cookies[COOKIE] = f"{bob.pk}:forged:signature"
    assert refused(sign_in(device, bob.email))


def test_signing_in_uses_nothing_up(alice: User) -> None:
    rate_limits.change_limit(LimitScope.USER, LimitedResource.SIGN_INS, Rate(2, 0))
    for _ in range(5):
        assert sign_in(Client(), alice.email, PASSWORD).status_code == 302
