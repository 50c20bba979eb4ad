"""Mask secrets in texts that staff read, and also personal data in the context of a flagged text.

`mask_text` returns the masked text, `find_secrets` the spans. A reviewer redacts a secret by its placeholder, which
`expand_placeholders` turns into the words. The patterns are wider than those of the gate
(`detectors/sensitive_data.py`), since a false match costs a reviewer little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from apps.safety.detectors import pii, pii_ner, sensitive_data
from apps.safety.detectors.pii import PiiMatch

SECRETS = frozenset({"PRIVATE_KEY", "SECRET_KEY", "PASSWORD"})
_LEAST_DIGITS = 3  # least digits of a token that no pattern recognises
_BITS = 3.6  # least bits of entropy per character of such a token; identifiers in programs have fewer

_KEYWORD = (
    r"(?:secret|token|passw(?:or)?d|passphrase|passwort|kennwort|contraseña|pwd|api[ _-]?key|access[ _-]?key"
    r"|account[ _-]?key|private[ _-]?key|signing[ _-]?key|encryption[ _-]?key|credentials?\b|\bauth\b"
    r"|authorization\b|\bsig\b)\w{0,20}+"
)
_SERVICES = (  # tokens with the prefix of a known service
    r"\b(A(?:KIA|SIA|BIA|CCA)[0-9A-Z]{16}|xapp-[\w-]{10,200}|ya29\.[\w-]{20,300}|GOCSPX-[\w-]{20,40}"
    r"|[srp]k_(?:test|live)_[A-Za-z0-9]{16,200}|whsec_[A-Za-z0-9+/=]{20,100}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"
    r"|SK[0-9a-f]{32}|key-[0-9a-f]{32}|sq0[a-z]{3}-[\w-]{20,60}|NRAK-[A-Z0-9]{27}|dapi[0-9a-f]{32}"
    r"|lin_api_\w{30,60}|gl(?:pat|rt|dt|ptt|ft|cbt|soat)-[\w.-]{20,60}|hv[sbr]\.[\w-]{20,300}|tskey-[\w-]{16,80}"
    r"|sntr(?:ys|yu)_[\w=+/.-]{30,300}|figd_[\w-]{30,60}|ATATT3[\w=-]{30,250}|r8_\w{30,50}|gsk_\w{30,80}"
    r"|xai-\w{30,120}|pplx-\w{30,80}|nvapi-[\w-]{30,100}|PMAK-[\w-]{30,80}|dckr_pat_[\w-]{20,60}"
    r"|dp\.(?:pt|st|ct|sa)\.[\w.-]{30,80}|do[opr]_v1_[0-9a-f]{64}|rubygems_[0-9a-f]{48}|sk-ant-[\w-]{20,200}"
    r"|\d{8,10}:AA[\w-]{33})"
)
_HOOKS = r"(https://(?:hooks\.slack\.com/(?:services|workflows)/|discord(?:app)?\.com/api/webhooks/)[\w/-]{10,200})"
_PEM = r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END[A-Z0-9 ]{0,60}-----|\Z))"
_ASSIGNED = r"[\"']?\s{0,3}(?:[:=]|=>)\s{0,3}[\"']?([^\s\"',;&]{6,500})"
_SAID = r"\s{1,3}(?:is|was|ist|war|lautet|es|era)\s{1,3}[\"'“„]?((?=\S{0,80}\d)\S{6,80})"  # contains a digit
_PHRASE = r"(?:seed|recovery|mnemonic|backup)[ _-]?phrase\s{0,3}[:=]\s{0,3}((?:[a-z]{3,8}[ ,]{1,3}){11,23}[a-z]{3,8})"
# The first group of each pattern is masked.
_FORMS = (
    ("PRIVATE_KEY", re.compile(_PEM, re.DOTALL)),
    ("PRIVATE_KEY", re.compile(r"(PuTTY-User-Key-File-\d.*?(?:Private-MAC: ?[0-9a-f]+|\Z))", re.DOTALL)),
    ("PRIVATE_KEY", re.compile(r"(AGE-SECRET-KEY-1[A-Z0-9]{30,80})", re.IGNORECASE)),
    ("SECRET_KEY", re.compile(_SERVICES)),
    ("SECRET_KEY", re.compile(_HOOKS)),
    ("PASSWORD", re.compile(r"://[^\s:/@]{0,100}:([^\s/@]{1,200})@")),
    ("PASSWORD", re.compile(r"\b(?:Bearer|Basic|Digest)\s{1,3}([A-Za-z0-9+/=._~-]{12,2000})")),
    ("PASSWORD", re.compile(_KEYWORD + _ASSIGNED, re.IGNORECASE)),
    ("PASSWORD", re.compile(_KEYWORD + _SAID, re.IGNORECASE)),
    ("PASSWORD", re.compile(_PHRASE, re.IGNORECASE)),
)
_TOKEN = re.compile(r"(?<![A-Za-z0-9/+_=.-])(?:[A-Za-z0-9/+]{40}|[A-Za-z0-9+_=-]{24,500})(?![A-Za-z0-9/+_=-])")


def mask_text(text: str, *, is_context: bool = False) -> str:
    """Return the text with each secret replaced by its kind, as "[secret_key]".

    With `is_context` (context of a flagged text) personal data and names are masked too, which calls an engine. If the
    engine is unavailable, a notice replaces the whole text.
    """
    masked = pii.replace_matches(text, find_secrets(text))
    return pii_ner.mask_all_pii(masked) if is_context else masked


def mask_forms(text: str) -> str:
    """Return the text with secrets and the personal data that patterns recognise masked.

    Names stay, as no engine is called. Context of a flagged text is stored masked like this; `mask_text(…,
    is_context=True)` masks names when a reviewer reads it.
    """
    return pii.mask_pii(mask_text(text))


def mask_turns(turns: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """Return the context turns with the "text" of each masked for a reviewer; other keys stay. Calls an engine."""
    return [{**turn, "text": mask_text(turn["text"], is_context=True)} for turn in turns]


def find_secrets(text: str) -> list[PiiMatch]:
    """Return the secrets of a text in order; overlapping ones are merged."""
    found = [one for one in pii.find_pii(text) if one.kind in SECRETS]
    for kind, form in _FORMS:
        found += [PiiMatch(*match.span(1), kind) for match in form.finditer(text)]
    found += [PiiMatch(*match.span(), "SECRET_KEY") for match in _TOKEN.finditer(text) if _is_random(match.group())]
    return _merge_overlapping(found)


def expand_placeholders(items: Sequence[str], text: str) -> tuple[str, ...]:
    """Return the words to redact from the text: a placeholder of `mask_text` becomes all secrets of its kind.

    Every other item of `items` stays; duplicates are dropped.
    """
    kinds: dict[str, list[str]] = {}
    for match in find_secrets(text):
        kinds.setdefault(match.placeholder, []).append(text[match.start : match.end])
    return tuple(dict.fromkeys(term for item in items for term in kinds.get(item, [item])))


def holds_secret(text: str, start: int, end: int) -> bool:
    """Return whether the span from `start` to `end` (exclusive) overlaps a secret."""
    return any(one.start < end and start < one.end for one in find_secrets(text))


def list_placeholders(text: str) -> list[str]:
    """Return the placeholder of each kind of secret in the text, once each, in order of occurrence."""
    return list(dict.fromkeys(match.placeholder for match in find_secrets(text)))


def split_masked(text: str, marks: Sequence[tuple[int, int]]) -> list[tuple[str, bool]]:
    """Split the masked text into pieces in order, each with whether it overlaps a mark.

    `marks` are (start, end) in the unmasked text, `end` exclusive.
    """
    found, pieces, at = find_secrets(text), [], 0
    edges = sorted(
        {0, len(text), *(edge for mark in marks for edge in mark), *(e for s in found for e in (s.start, s.end))}
    )
    hidden = {one.start: one for one in found}
    for start, end in pairwise(edges):
        if start < at or end > len(text):
            continue
        one = hidden.get(start)
        at = one.end if one else end
        words = one.placeholder if one else text[start:end]
        pieces.append((words, any(left < at and start < right for left, right in marks)))
    return pieces


def _merge_overlapping(matches: list[PiiMatch]) -> list[PiiMatch]:
    merged: list[PiiMatch] = []
    for match in sorted(matches, key=lambda match: (match.start, -match.end)):
        if merged and match.start < merged[-1].end:
            if match.end > merged[-1].end:
                merged[-1] = PiiMatch(merged[-1].start, match.end, merged[-1].kind)
        elif match.end > match.start:
            merged.append(match)
    return merged


def _is_random(token: str) -> bool:
    """Return whether a token looks random: capitals, small letters and at least 3 digits, with high entropy."""
    digits = sum(map(str.isdigit, token))
    mixed = any(map(str.isupper, token)) and any(map(str.islower, token))
    return mixed and digits >= _LEAST_DIGITS and sensitive_data.shannon_entropy(token) >= _BITS
