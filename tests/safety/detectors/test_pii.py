"""Personal data and secrets by their form: checksums hold, look-alikes do not, and long runs cost little."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from apps.safety.detectors.pii import _FORMS, _IBAN, _possible_kinds, find_pii, is_iban_valid, is_luhn_valid, mask_pii

FORMS = [(kind, form, holds) for kind, form, holds in _FORMS]


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("write to anna.b+x@mail.example.org.", "EMAIL_ADDRESS", "anna.b+x@mail.example.org"),
        ("card 4111 1111 1111 1111 please", "CREDIT_CARD", "4111 1111 1111 1111"),
        ("pay DE89 3704 0044 0532 0130 00 today", "IBAN_CODE", "DE89 3704 0044 0532 0130 00"),
        ("from 192.0.2.17, port 80", "IP_ADDRESS", "192.0.2.17"),
        ("at 2001:db8::8a2e:370:7334 now", "IP_ADDRESS", "2001:db8::8a2e:370:7334"),
        ("call +49 30 901820 or", "PHONE_NUMBER", "+49 30 901820"),
        ("call (602)272-9781", "PHONE_NUMBER", "(602)272-9781"),
        ("SSN 125-17-4954.", "US_SSN", "125-17-4954"),
        ("password: hunter2hunter2", "PASSWORD", "hunter2hunter2"),
        ("AKIAIOSFODNN7EXAMPLE", "SECRET_KEY", "AKIAIOSFODNN7EXAMPLE"),
        ("-----BEGIN RSA PRIVATE KEY-----", "PRIVATE_KEY", "-----BEGIN RSA PRIVATE KEY-----"),
    ],
)
def test_pii_with_a_known_form_is_found(text: str, kind: str, found: str) -> None:
    assert [(text[one.start : one.end], one.kind) for one in find_pii(text)] == [(found, kind)]


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112", "DE89 3704 0044 0532 0130 02", "999.1.1.1", "On 2024-03-11 and 11/22/2000.", "12 of 40",
        "0000 0000 0000 0000", "version 1.2.3", "The password is kept in a safe.", "a@b", "between 1990 and 2000",
    ],
)  # fmt: skip
def test_lookalikes_of_pii_are_not_found(text: str) -> None:
    assert find_pii(text) == []


def test_check_digits() -> None:
    assert is_luhn_valid("79927398713") and not is_luhn_valid("79927398710")
    assert is_iban_valid("GB82 WEST 1234 5698 7654 32") and not is_iban_valid("GB82 WEST 1234 5698 7654 3")


def test_masking_keeps_everything_else() -> None:
    assert mask_pii("Mail a@example.org, card 4111111111111111!") == "Mail [email_address], card [credit_card]!"
    assert mask_pii("Nothing here.") == "Nothing here."


@pytest.mark.parametrize("text", ["1 " * 10_000, "a." * 10_000 + "@", "ab12" * 5_000, "(1)" * 8_000, "::" * 10_000])
def test_a_hostile_text_is_quick(text: str) -> None:
    began = time.process_time()
    find_pii(text)
    assert time.process_time() - began < 3


@settings(max_examples=300, deadline=None)
@given(some.data())
def test_the_first_look_rules_out_nothing_that_a_form_would_find(data: some.DataObject) -> None:
    kind, form, holds = data.draw(some.sampled_from(FORMS))
    text = data.draw(some.from_regex(form))
    found = [match for match in form.finditer(text) if holds(text[slice(*match.span(form.groups))])]
    assert not found or kind in _possible_kinds(text), (kind, text)


def test_the_first_look_knows_accounts() -> None:
    text = "DE89 3704 0044 0532 0130 00"
    assert (
        _IBAN.search(text) and "IBAN_CODE" in _possible_kinds(text) and not _possible_kinds("Nothing but words here.")
    )
