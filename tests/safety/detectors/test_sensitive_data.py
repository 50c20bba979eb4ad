"""Passwords, keys and personal data as a signal: what was drawn by a machine is told from what a manual prints."""

from __future__ import annotations

import time

import pytest

from apps.safety.detectors.sensitive_data import detect_sensitive_data, is_random, shannon_entropy
from apps.safety.gate.default_check import CREDENTIALS_MESSAGE, decide_verdict
from apps.safety.gate.gate import check_passage, check_question, check_sentence
from apps.safety.policy.schema import Action, Stage
from apps.safety.policy.verdicts import ALLOWED
from apps.safety.policy.versions import current_policy

# Put together here, so that no scanner takes this file for a leak.
DRAWN = "q7Zt2LxW9vB4" + "nR8kD3yH6mPc1sJ5"
KEYS = (
    f"AKIA{'Q3ZL7XWT2VKB9RND'}", f"ghp_{DRAWN}{'8fT2a6Yw'}", f"sk-proj-{DRAWN}", f"glpat-{DRAWN[:20]}",
    f"sk_live_{DRAWN}", f"github_pat_{DRAWN}{DRAWN}{DRAWN}", f"npm_{DRAWN}{'8fT2a6Yw'}",
)  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_keys_of_known_services_are_secrets(key: str) -> None:
    assert detect_sensitive_data(f"Use {key} for now.").match_key == "secrets"


@pytest.mark.parametrize(
    "text",
    [
        f"password: {'kT9'}{'mQ2xV7'}", f"API_KEY={DRAWN}", f"client_secret: '{DRAWN}'", f"auth token = {DRAWN}",
        "-----BEGIN RSA PRIVATE KEY-----",
    ],
)  # fmt: skip
def test_random_value_named_as_a_secret_is_detected(text: str) -> None:
    assert detect_sensitive_data(text).match_key == "secrets"


@pytest.mark.parametrize(
    "text",
    [
        "api_key = 'YOUR_API_KEY'", "api_key=os.environ['OPENAI_KEY_1']", "password: correcthorse", "sk-" + "x1" * 20,
        "export API_KEY=<key-123456>", "Password: ********", "api key: my_api_key_1234", "password = changeme123",
        "a commit 3f2a9c1e7b5d4f6a8c0e2d4b6f8a1c3e5d7f9b0a", "The secret key to success is patience.",
    ],
)  # fmt: skip
def test_placeholder_secrets_of_manuals_are_not_detected(text: str) -> None:
    assert detect_sensitive_data(text).match_key == ""


def test_a_signal_says_what_it_found_and_never_what_it_was() -> None:
    signal = detect_sensitive_data(f"Write to anna@example.org, the token is AKIA{'Q3ZL7XWT2VKB9RND'}")
    assert (signal.detector, signal.match_key, signal.scores) == ("personal", "secrets", {})
    assert detect_sensitive_data("Write to anna@example.org.").match_key == "personal_data"
    assert detect_sensitive_data("See https://example.org and 192.0.2.1.").match_key == ""


async def test_personal_data_is_noted_and_lets_everything_through() -> None:
    for verdict in (await check_question("Who is anna@example.org?"), await check_sentence("It is anna@example.org.")):
        assert (verdict.allowed, verdict.code) == (True, "personal_data")
    assert check_passage("Write to anna@example.org.").allowed


def test_a_passage_with_a_key_is_marked_and_no_reviewer_is_sent_it() -> None:
    verdict = decide_verdict(Stage.PASSAGE, f"The token is {KEYS[1]}.", ALLOWED, {}, current_policy())
    assert (verdict.allowed, verdict.code, verdict.message) == (False, "secrets", CREDENTIALS_MESSAGE)
    assert verdict.evaluation is not None
    assert (verdict.evaluation.result.action, verdict.evaluation.result.reviewed) == (Action.LABEL, False)


def test_entropy() -> None:
    assert shannon_entropy("aaaa") == 0 and shannon_entropy("abcd") == 2 and shannon_entropy("") == 0
    assert is_random(DRAWN) and not is_random("aaaaaaaaaaaaaaaa1") and not is_random("1234567890")


@pytest.mark.parametrize("text", ["sk-" * 20_000, "password: " * 8_000, "eyJ" * 20_000, "SG." * 20_000])
def test_a_hostile_text_is_quick(text: str) -> None:
    began = time.thread_time()
    detect_sensitive_data(text)
    assert time.thread_time() - began < 3
