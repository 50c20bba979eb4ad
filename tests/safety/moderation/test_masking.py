"""No secret reaches a reviewer, through whichever page: twenty kinds, drawn anew for this test, at every door."""

from __future__ import annotations

import base64
import random
import string
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from apps.conversations.models import Conversation, Message
from apps.engines import registry
from apps.safety.break_glass import access_requests
from apps.safety.models import BreakGlass, Notice, SecondReview, Snapshot
from apps.safety.moderation import appeals, cases, masking, reviewable
from apps.safety.moderation.reviewable import ContextItem
from apps.users.models import User
from apps.users.special_permissions import BREAK_GLASS
from tests.factories import NOTE_KIND, Notes, make_client, make_decision_input, make_note_case, make_user

_draw = random.Random(20_261_129)
UPPER, LOWER, DIGITS = string.ascii_uppercase, string.ascii_lowercase, string.digits
MIXED, HEX = UPPER + LOWER + DIGITS, "0123456789abcdef"


def drawn(letters: str, size: int) -> str:
    return "".join(_draw.choice(letters) for _ in range(size))


def block(kind: str) -> str:
    return f"-----BEGIN {kind}-----\n{drawn(MIXED, 64)}\n{drawn(MIXED, 40)}\n-----END {kind}-----"


# By kind: the text in which it stands, with the secret itself at {}.
SECRETS: dict[str, tuple[str, str]] = {
    "aws access key": ("id {} of ours", "AKIA" + drawn(UPPER + DIGITS, 16)),
    "aws secret key": ("use {} for the bucket", drawn(MIXED, 19) + "/9aB+7" + drawn(MIXED, 15)),
    "github token": ("push with {}", "ghp_" + drawn(MIXED, 36)),
    "gitlab runner token": ("runner {}", "glrt-" + drawn(MIXED, 22)),
    "slack bot token": ("bot {}", "xoxb-" + drawn(DIGITS, 12) + "-" + drawn(MIXED, 24)),
    "slack webhook": ("post to {}", f"https://hooks.slack.com/services/T{drawn(UPPER, 8)}/B0/{drawn(MIXED, 24)}"),
    "stripe key": ("pay {}", "rk_live_" + drawn(MIXED, 24)),
    "google api key": ("maps {}", "AIza" + drawn(MIXED, 35)),
    "google oauth": ("access {}", "ya29." + drawn(MIXED, 60)),
    "anthropic key": ("ask {}", "sk-ant-api03-" + drawn(MIXED, 40)),
    "telegram bot": ("chat {}", drawn("123456789", 10) + ":AA" + drawn(MIXED, 33)),
    "jwt": ("cookie {}", f"eyJ{drawn(MIXED, 20)}.eyJ{drawn(MIXED, 40)}.{drawn(MIXED, 43)}"),
    "pem key": ("here: {} ok", block("RSA PRIVATE KEY")),
    "openssh key": ("file: {} ok", block("OPENSSH PRIVATE KEY")),
    "pgp key": ("mail: {} ok", block("PGP PRIVATE KEY BLOCK")),
    "password of a database": ("postgres://app:{}@db.internal:5432/app", drawn(MIXED, 14)),
    "basic header": ("Authorization: Basic {}", base64.b64encode(f"app:{drawn(MIXED, 16)}".encode()).decode()),
    "azure account key": ("AccountName=a;AccountKey={};EndpointSuffix=x", drawn(MIXED, 86) + "=="),
    "password in a sentence": ("my password is {} by the way", drawn(LOWER, 5) + drawn(DIGITS, 3)),
    "env file": ('DJANGO_SECRET_KEY="{}"', drawn(MIXED + "!#%^*", 50)),
    "passwort": ("Das Passwort lautet {}", drawn(LOWER, 6) + drawn(DIGITS, 2)),
    "vault token": ("vault {}", "hvs." + drawn(MIXED, 90)),
    "age key": ("decrypt with {}", "AGE-SECRET-KEY-1" + drawn(UPPER + DIGITS, 58)),
    "unknown service": ("the key from their mail: {}", drawn(MIXED, 20) + "7Qz4" + drawn(MIXED, 12)),
}  # fmt: skip
ALL = "\n".join(text.format(secret) for text, secret in SECRETS.values())
EVERYDAY = [
    "The lamp is trimmed at 7, the 12 sailors said, and the token of the lighthouse is a bell.",
    "def get_user_by_identifier(self, account_number_2): return self.password_validators",
    "See https://docs.example.org/en/latest/getting-started/installation.html#step-3 for more.",
    "Commit 8eb07af1c64d93e3a2559103b3ca5799738992 mends it; SHA-256 is 64 hexadecimal digits.",
    "Der Schlüssel liegt unter der Matte, das Kennwort ist wichtig.",
    "Author: Somebody Else, signature: none, design: plain.",
    "123e4567-e89b-12d3-a456-426614174000",
]


@pytest.mark.parametrize("kind", SECRETS)
def test_secrets_of_each_kind_are_masked(kind: str) -> None:
    text, secret = SECRETS[kind]
    shown = masking.mask_text(f"Before it. {text.format(secret)} After it.")
    assert secret not in shown and secret[10:40] not in shown[10:] if len(secret) > 40 else secret not in shown
    assert "Before it." in shown and "After it." in shown


@pytest.mark.parametrize("text", EVERYDAY)
def test_everyday_words_stay(text: str) -> None:
    assert masking.mask_text(text) == text


@pytest.mark.parametrize(
    "text", ["-----BEGIN PRIVATE KEY-----" * 4000, "secret" * 16_000, "a:" * 50_000, "://:" * 25_000, "Aa1" * 33_000]
)
def test_a_hundred_thousand_characters_take_less_than_a_second(text: str) -> None:
    started = time.process_time()
    masking.mask_text(text)
    assert time.process_time() - started < 1


def test_marks_keep_their_places_around_a_secret() -> None:
    text, secret = "Some [hate] with AKIAABCDEFGHIJKLMNOP in it", "AKIAABCDEFGHIJKLMNOP"
    pieces = masking.split_masked(text, [(5, 11), (20, len(text))])
    assert pieces == [
        ("Some ", False), ("[hate]", True), (" with ", False), ("[secret_key]", True), (" in it", True)
    ]  # fmt: skip
    assert masking.expand_placeholders(["[secret_key]", "hate"], text) == (secret, "hate")


class NotesNearSecret(Notes):
    """Notes around which a secret stands too."""

    def context(self, subject: str) -> list[ContextItem]:
        return [ContextItem("Before", ALL)]

    def redact(self, subject: str, terms: Any) -> dict[str, Any]:
        self.state[subject] = "|".join(terms)
        return {"was": "as it was"}

    def restore_redacted(self, restore_data: dict[str, Any]) -> None: ...


@pytest.fixture
def notes(notes: Notes) -> NotesNearSecret:
    near_secret = NotesNearSecret()
    near_secret.state = notes.state
    reviewable.register_reviewable(NOTE_KIND, near_secret)
    return near_secret


def claimed(user: User, owner: User, subject: str = "1", text: str = ALL) -> Any:
    return cases.claim_case(user, make_note_case(owner, subject, text=f"some [hate] {text}").pk)


def page(user: User, path: str) -> str:
    response = make_client(user).get(path)
    assert response.status_code == 200
    return response.content.decode()


def of_a_case(alice: User, morgan: User) -> str:
    return page(morgan, f"/review/{claimed(morgan, alice).pk}/?open=1")


def of_many_cases(alice: User, morgan: User) -> str:
    from apps.safety.moderation import bulk_decisions

    make_note_case(alice, "2", text=f"some [hate] {ALL}")
    return page(morgan, f"/review/batches/{bulk_decisions.gather_batch(morgan, claimed(morgan, alice).pk).pk}/")


def of_a_second_look(alice: User, morgan: User) -> str:
    held = claimed(morgan, alice)
    cases.request_second_review(morgan, held.pk, held.lease_token)
    robin = make_user("robin", User.Role.REVIEWER)
    client = Client()
    client.force_login(robin)
    return page(robin, client.post("/review/second-reviews/")["Location"] + "?open=1")


def of_an_appeal(alice: User, morgan: User) -> str:
    held = claimed(morgan, alice)
    decision = cases.decide_case(morgan, held.pk, make_decision_input(held))
    appeals.submit_appeal(alice, Notice.objects.get(decision=decision), ALL[:2000])
    robin = make_user("robin", User.Role.REVIEWER)
    cases.claim_case(robin, held.pk)
    return page(robin, f"/review/{held.pk}/?open=1")


def of_break_glass(alice: User, morgan: User) -> str:
    robin = make_user("robin", User.Role.REVIEWER)
    for one in (morgan, robin):
        BREAK_GLASS.assign(one, True)
        one.refresh_from_db()
    conversation = Conversation.objects.create(owner=alice)
    asked = Message.objects.create(conversation=conversation, role="user", text=ALL, asked_by=alice)
    Message.objects.create(conversation=conversation, role="assistant", text=ALL, parent=asked, asked_by=alice)
    row = access_requests.request_access(
        morgan, alice, conversation.pk, BreakGlass.Ground.LIFE, "Somebody is in danger here.", emergency=True
    )
    return page(morgan, f"/review/break-glass/{row.pk}/")


@pytest.mark.django_db
@pytest.mark.parametrize("door", [of_a_case, of_many_cases, of_a_second_look, of_an_appeal, of_break_glass])
def test_review_pages_show_no_secret(
    alice: User, morgan: User, notes: NotesNearSecret, door: Callable[[User, User], str]
) -> None:
    shown = door(alice, morgan)
    assert "[secret_key]" in shown and "[password]" in shown
    assert [
        kind for kind, (_, secret) in SECRETS.items() if secret.split("\n")[-1 if "\n" not in secret else 1] in shown
    ] == []


@pytest.mark.django_db
def test_a_reviewer_takes_out_secrets_without_seeing_them(alice: User, morgan: User, notes: NotesNearSecret) -> None:
    secret = SECRETS["github token"][1]
    held = claimed(morgan, alice, text=f"with {secret} in it")
    assert "[secret_key]" in page(morgan, f"/review/{held.pk}/?open=1").split('name="spans"')[1].split("</textarea>")[0]
    cases.decide_case(morgan, held.pk, make_decision_input(held, "redact", redact_terms=("[secret_key]",)))
    assert notes.state["1"] == secret


@pytest.mark.django_db
def test_opening_a_case_asks_no_model_inside_its_transaction(
    alice: User, morgan: User, notes: NotesNearSecret, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans, inside = type(registry.get_pii_tagger()).spans, []

    def watched(*args: Any) -> Any:
        inside.append(len(connection.savepoint_ids))
        return spans(*args)

    monkeypatch.setattr(type(registry.get_pii_tagger()), "spans", watched)
    with transaction.atomic():
        found = make_note_case(alice)
    assert inside == []
    stored = Snapshot.objects.get(pk=found.snapshot_id).context[0]["text"]
    assert all(secret not in stored for _, secret in SECRETS.values())
    page(morgan, f"/review/{cases.claim_case(morgan, found.pk).pk}/?open=1")
    assert inside != [], "names are masked where the case is read"
    assert SecondReview.objects.count() == 0
