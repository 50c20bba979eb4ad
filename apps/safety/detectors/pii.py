"""Find personal data and secrets with a fixed format by patterns, and by checksum where there is one.

Names, places and postal addresses are found by `pii_ner.py`. Takes time linear in the text.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PiiMatch:
    """Match of a kind of personal data or secret; `end` is exclusive."""

    start: int
    end: int
    kind: str  # named as in Presidio

    @property
    def placeholder(self) -> str:
        return f"[{self.kind.lower()}]"


_IBAN_LENGTHS = {name: int(size) for name, size in re.findall(
    r"([A-Z]{2})(\d\d)",
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 "
    "FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 "
    "LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 "
    "SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20",
)}  # fmt: skip


def is_luhn_valid(text: str) -> bool:
    """Return whether the digits end with the check digit of payment cards."""
    total = 0
    for place, digit in enumerate(int(char) for char in reversed(text) if char.isdigit()):
        total += digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4)
    return total % 10 == 0


def is_iban_valid(text: str) -> bool:
    """Return whether length and check digits are those of an IBAN of its country."""
    plain = re.sub(r"[\s-]", "", text).upper()
    if _IBAN_LENGTHS.get(plain[:2]) != len(plain) or not plain.isascii() or not plain.isalnum():
        return False
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of IBANs. Words may follow an IBAN, so its length comes from its country."""
    for head in _IBAN.finditer(text):
        left, at = _IBAN_LENGTHS.get(head.group().upper()[:2], 0) - 4, head.end()
        while left > 0 and at < len(text):
            if text[at].isalnum():
                left -= 1
            elif text[at] not in " -" or not text[at - 1].isalnum():
                break
            at += 1
        if left == 0 and not text[at : at + 1].isalnum() and is_iban_valid(text[head.start() : at]):
            yield head.start(), at


def _card(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return 12 <= len(digits) <= 19 and len(set(digits)) > 1 and is_luhn_valid(digits)


def _address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _phone(text: str) -> bool:
    """Return whether the text is a phone number: 7 to 15 digits in groups or after a plus.

    A bare run of digits is none.
    """
    digits = sum(char.isdigit() for char in text)
    grouped = len(re.findall(r"\d+", text)) > 1 or text.lstrip("(").startswith(("+", "00"))
    return 7 <= digits <= 15 and grouped and not _DATE.fullmatch(text)


_IBAN = re.compile(r"(?<![^\W_])[A-Za-z]{2}\d{2}(?=[ -]?[A-Za-z0-9])")
_DATE = re.compile(r"(?:(?:19|20)\d\d[-./]\d\d?[-./]\d\d?|\d\d?[-./]\d\d?[-./](?:(?:19|20)\d\d|\d\d))(?:[ T]\d\d)?")


def _always(text: str) -> bool:
    return True


_DIGITS, _ASCII_DIGITS = re.compile(r"\d+"), b"0123456789"
# A text must contain one of these strings, or so many digits, for a pattern to be tried at all. In lower case for
# passwords, whose letters have no other spelling that only the pattern would match (unlike `i`).
_NEEDS: dict[str, tuple[str, ...]] = {
    "PRIVATE_KEY": ("-----BEGIN ",),
    "SECRET_KEY": (
        "AKIA", "ASIA", "gho_", "ghp_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-", "xox", "k_live_", "SG.", "hf_",
        "npm_", "pypi-", "dop_v1_", "sk-", "AIza", "ob_", "eyJ",
    ),
    "EMAIL_ADDRESS": ("@",), "DOMAIN_NAME": ("://",), "IP_ADDRESS": (":",),
}  # fmt: skip
_NEEDS_FOLDED = {"PASSWORD": ("pass", "kennwort", "contrase", "key", "token", "secret")}
# Each of these matches wherever its pattern does, and is faster as it begins with a digit.
_NEEDS_DIGITS = {kind: (least, re.compile(pattern)) for kind, least, pattern in (
    ("IP_ADDRESS", 4, r"\d\.\d{1,3}\.\d"),
    ("IBAN_CODE", 2, r"\d\d(?<=[A-Za-z]\d\d)"),
    ("CREDIT_CARD", 12, r"\d(?:[ -]?\d){11}"),
    ("US_SSN", 9, r"\d[- ]\d\d[- ]\d"),
    ("PHONE_NUMBER", 7, r"\d(?:\)|\)?[ ./-]{1,2}\(?)\d"),
)}  # fmt: skip


# Order matters: a later pattern does not match where an earlier one did.
_FORMS: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("PRIVATE_KEY", re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"), _always),
    (
        "SECRET_KEY",
        re.compile(
            r"\b(?:A(?:KIA|SIA)[0-9A-Z]{16}|gh[opsur]_[A-Za-z0-9]{36}|github_pat_\w{60,90}|glpat-[\w-]{20}"
            r"|xox[abpors]-[A-Za-z0-9-]{10,72}|[sr]k_live_[A-Za-z0-9]{20,100}|SG\.[\w-]{22}\.[\w-]{43}|hf_[A-Za-z]{34}"
            r"|npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,250}|dop_v1_[0-9a-f]{64}|sk-[A-Za-z0-9_-]{20,200}|AIza[\w-]{35}|ob_[\w-]{43}|eyJ[\w-]{10,500}\.eyJ[\w-]{10,2000}\.[\w-]{10,500})"
        ),
        _always,
    ),
    (
        "PASSWORD",
        re.compile(
            r"(?i:\b(?:password|passwd|passphrase|kennwort|passwort|contraseña|(?:secret|access|account)[ _-]?key"
            r"|api[ _-]?key|(?:auth|access|bearer)[ _-]?token|client[ _-]?secret)\b)\s{0,3}[:=]\s{0,3}(\S{6,100})"
        ),
        _always,
    ),
    ("EMAIL_ADDRESS", re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}\b"), _always),
    (
        "DOMAIN_NAME",
        re.compile(r"\bhttps?://(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?::\d{1,5})?(?:/[^\s<>\"')\]]{0,500})?"),
        _always,
    ),
    (
        "IP_ADDRESS",
        re.compile(
            r"(?<![\w.:])(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f:]{0,4}:[0-9A-Fa-f:]{1,36}(?:\.\d{1,3}){0,3})(?![\w:])"
        ),
        _address,
    ),
    ("CREDIT_CARD", re.compile(r"(?<![\w-])\d(?:[ -]?\d){11,18}(?![\w-])"), _card),
    ("US_SSN", re.compile(r"(?<![\w-])(?!000|666)\d{3}[- ](?!00)\d{2}[- ](?!0000)\d{4}(?![\w-])"), _always),
    (
        "PHONE_NUMBER",
        re.compile(
            r"(?<![\w.,)(-])(?:\+|00)?\(?\d{1,5}\)?"
            r"(?:(?:[ ./-]{1,2}\(?|(?<=\)))\d{1,8}\)?){1,6}(?:x\d{1,5})?(?![\w-])"
        ),
        _phone,
    ),
)  # fmt: skip


def list_patterns() -> list[tuple[str, str]]:
    """Return the kinds with their patterns as text."""
    return [("IBAN_CODE", _IBAN.pattern), *((kind, form.pattern) for kind, form, _ in _FORMS)]


def find_pii(text: str) -> list[PiiMatch]:
    """Return the matches in order, without overlaps."""
    matches: list[PiiMatch] = []
    used = bytearray(len(text))
    for kind, spans in _find_by_kind(text):
        for start, end in spans:
            if not any(used[start:end]):
                matches.append(PiiMatch(start, end, kind))
                used[start:end] = b"\1" * (end - start)
    return sorted(matches, key=lambda match: match.start)


def _find_by_kind(text: str) -> Iterator[tuple[str, Iterator[tuple[int, int]]]]:
    """Yield the spans by kind, kinds first that later patterns would mistake for others."""
    may = _possible_kinds(text)
    for kind, form, holds in _FORMS:
        if kind == "IP_ADDRESS" and "IBAN_CODE" in may:
            yield "IBAN_CODE", _ibans(text)
        if kind in may:
            yield kind, _places(form, text, holds)


def _possible_kinds(text: str) -> set[str]:
    """Return the kinds that the text may contain; a quick test that spares most texts most patterns."""
    plain, digits = text.casefold(), _digits(text)
    found = {kind for kind, words in _NEEDS.items() if any(map(text.__contains__, words))}
    found |= {kind for kind, words in _NEEDS_FOLDED.items() if any(map(plain.__contains__, words))}
    return found | {kind for kind, (least, form) in _NEEDS_DIGITS.items() if digits >= least and form.search(text)}


def _digits(text: str) -> int:
    if not text.isascii():
        return sum(map(len, _DIGITS.findall(text)))
    raw = text.encode()
    return len(raw) - len(raw.translate(None, _ASCII_DIGITS))


def _places(form: re.Pattern[str], text: str, holds: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    for match in form.finditer(text):
        start, end = match.span(match.re.groups)
        if holds(text[start:end]):
            yield start, end


def mask_pii(text: str) -> str:
    """Return the text with each match replaced by its kind, such as "[phone_number]"."""
    return replace_matches(text, find_pii(text))


def replace_matches(text: str, matches: Iterable[PiiMatch]) -> str:
    """Return the text with each of the matches, in order and without overlaps, replaced by its placeholder."""
    parts, at = [], 0
    for match in matches:
        parts += [text[at : match.start], match.placeholder]
        at = match.end
    return "".join([*parts, text[at:]])
