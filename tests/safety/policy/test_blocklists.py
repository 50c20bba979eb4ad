"""Lists of the site's own: refused in words, tried before they go live, part of the policy, counted, and ended."""

from __future__ import annotations

import asyncio
import copy
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.engines import registry
from apps.safety.detectors import blocklists
from apps.safety.gate import gate
from apps.safety.models import AuditEntry, BlocklistHit, PolicyVersion, Snapshot
from apps.safety.policy import blocklist_matcher, defaults, schema, user_messages, versions
from apps.safety.policy.evaluation import Signal, evaluate_policy
from apps.safety.policy.schema import NAMES, PATTERNS, WORDS, Action, Blocklist, PolicyError, Stage
from apps.safety.policy_admin import backtest, blocklist_drafts
from apps.users.models import User
from tests.factories import decide_case, make_note_case, make_user, register_notes
from tests.safety.policy_drafts import make_blocklist, make_blocklist_row


def found(made: Blocklist, text: str, since: int = 0) -> list[str]:
    return [one.entry for one in blocklist_matcher.BlocklistMatcher([made]).find_matches(text, since)]


@pytest.mark.parametrize(
    ("entry", "kind", "text", "hit"),
    [
        ("Blue Falcon", WORDS, "what is blue   FALCON about", True),
        ("Blue Falcon", WORDS, "what is bluefalcon about", False),
        ("falcon", WORDS, "falcons are birds", False),
        ("falcon", WORDS, "what is f\u0430lcon", True),  # a letter that looks alike
        ("überfall", WORDS, "der Überfall", True),
        ("fall", WORDS, "der überfall", False),
        ("c++", WORDS, "learn c++ now", True),
        ("José Müller", NAMES, "a poster of JOSE-MULLER", True),
        ("José Müller", NAMES, "josé, müller's cat", True),
        ("José Müller", NAMES, "josé is a müller", False),
        ("O'Neill", NAMES, "o neill at sea", True),
        ("schon", WORDS, "wie schön", False),
        (r"falcons?[- ]\d{2}", PATTERNS, "see Falcon-77", True),
        (r"falcons?[- ]\d{2}", PATTERNS, "see Falcon-x", False),
    ],
)
def test_words_are_whole_and_patterns_are_read_by_re2(entry: str, kind: str, text: str, hit: bool) -> None:
    assert found(make_blocklist(entry, kind=kind), text) == ([entry] if hit else [])


def test_blocklist_matches_only_new_text_and_nothing_once_expired() -> None:
    made, text = make_blocklist("falcon"), "the falcon flies"
    assert found(made, text, len("the ")) == ["falcon"] and found(made, text, len("the falcon")) == []
    assert found(make_blocklist("falcon", expires="2020-01-01"), text) == []
    assert found(make_blocklist("falcon", expires=timezone.now().date().isoformat()), text) == ["falcon"]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("x*", "matches an empty text"),
        (".", "too broad"),
        (r"\w+ing?|the|e", "too broad"),
        ("(a", "is not a valid pattern"),
        (r"(?=a)b", "is not a valid pattern"),
        (r"(a)\1", "is not a valid pattern"),
        ("a{5000}", "too many repetitions"),
        ("((a{90}){90}){90}", "too many repetitions"),
        ("a" * 400, "longer than 300"),
    ],
)
def test_a_bad_pattern_is_refused_in_words(entry: str, words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        blocklist_matcher.validate_blocklists([make_blocklist(entry, kind=PATTERNS)])


def test_a_pattern_that_is_catastrophic_elsewhere_is_linear_here() -> None:
    made = make_blocklist("(x+)+y", kind=PATTERNS)
    blocklist_matcher.validate_blocklists([made])
    assert blocklist_matcher.measure_cost_ms(blocklist_matcher.BlocklistMatcher([made]), ["x" * 5000]) < 50


def test_a_thousand_rules_cost_less_than_a_millisecond() -> None:
    entries = [f"quoll{number:04} {number % 7} wombat" for number in range(1000)]
    made = make_blocklist(*entries)
    assert blocklist_matcher.measure_cost_ms(blocklist_matcher.BlocklistMatcher([made])) < 1
    assert found(made, "a quoll0999 5 wombat slept") == ["quoll0999 5 wombat"]


@pytest.mark.parametrize(
    "fields",
    [{"code": "astrology"}, {"action": "explode"}, {"stages": ["dream"]}, {"expires": "soon"}, {"owner": "x"},
     {"kind": "x"}, {"entries": []}, {"entries": 1}, {"name": " "}],
)  # fmt: skip
def test_a_list_that_cannot_be_read_is_no_policy(fields: dict[str, Any]) -> None:
    with pytest.raises(PolicyError):
        schema.parse_policy({**defaults.make_default_policy({}), "lists": [make_blocklist_row("x", **fields)]})


def test_a_verdict_follows_from_signal_and_policy_and_passages_are_only_looked_at() -> None:
    body = {**defaults.make_default_policy({}), "lists": [make_blocklist_row("falcon")]}
    now, without = schema.parse_policy(body), schema.parse_policy(defaults.make_default_policy({}))
    assert now.sha256 != without.sha256
    signals = blocklist_matcher.match_blocklists(now, Stage.QUESTION, "the falcon flies")
    stored = [Signal.from_json(signal.to_json()) for signal in signals]
    outcome = evaluate_policy(Stage.QUESTION, stored, now)
    assert (outcome.action, outcome.code) == (Action.WITHHOLD, "secrets")
    assert evaluate_policy(Stage.PASSAGE, stored, now).action is Action.REVIEW
    assert evaluate_policy(Stage.QUESTION, stored, without).action is None


def live(ada: User, entries: list[str]) -> None:
    """A list is in force, by the whole way."""
    grace = make_user("grace", User.Role.ADMINISTRATOR)
    draft = blocklist_drafts.save_blocklist(ada, make_blocklist_row(*entries, owner=ada.pk))
    backtest.run_backtest(ada, draft)
    versions.approve_version(grace, draft)


@pytest.mark.django_db(transaction=True)
def test_a_list_in_force_holds_a_question_and_is_counted_without_its_text(ada: User) -> None:
    registry.reset()
    assert asyncio.run(_asked("what is blue falcon about")).allowed
    live(ada, ["blue falcon"])
    verdict = asyncio.run(_asked("what is blue falcon about"))
    assert (verdict.allowed, verdict.code) == (False, "secrets")
    assert verdict.message.splitlines()[0] == user_messages.BLOCKLIST_QUESTION
    assert not gate.check_passage("The blue falcon is a project.").allowed
    hit = BlocklistHit.objects.get()
    assert (hit.key, hit.count, hit.day) == ("list-a", 2, timezone.now().date())
    assert blocklist_drafts.list_blocklists(28)[0].total == 2 and blocklists.count_by_day("list-a", 3)[-1][1] == 2
    kinds = list(AuditEntry.objects.order_by("seq").values_list("kind", flat=True))
    assert kinds[-4:] == ["policy.drafted", "list.changed", "policy.replayed", "policy.live"]
    assert "falcon" not in str(list(AuditEntry.objects.values_list("payload", flat=True))).lower()


async def _asked(text: str) -> gate.Verdict:
    verdict = await gate.check_question(text)
    await asyncio.gather(*gate._refreshing)
    return verdict


@pytest.mark.django_db
def test_policy_change_is_noticed_by_another_process_within_seconds(ada: User, settings: Any) -> None:
    versions.get_live_version()
    versions.refresh_policy()
    body = {**copy.deepcopy(versions.get_live_version().body), "lists": [make_blocklist_row("falcon")]}
    PolicyVersion.objects.update(body=body, sha256=schema.hash_policy(body))  # as if somebody else had approved it
    assert not versions.load_fresh_policy().blocklists  # POLICY_S is without end in tests
    settings.POLICY_S = 0.0
    assert versions.load_fresh_policy().blocklists


@pytest.mark.django_db
def test_a_replay_looks_for_the_list_in_what_was_judged(ada: User, alice: User) -> None:
    register_notes().state["1"] = "x"
    make_note_case(alice, code="harassment", severity=1, text="about the falcon")
    draft = blocklist_drafts.save_blocklist(ada, make_blocklist_row("falcon", owner=ada.pk))
    said = backtest.run_backtest(ada, draft)
    assert (said["judged"], Snapshot.objects.count()) == (1, 1) and draft.body["lists"][0]["entries"] == ["falcon"]


@pytest.mark.django_db
def test_administrators_try_keep_change_and_remove_a_list(client: Client, ada: User, alice: User, morgan: User) -> None:
    register_notes().state |= {"1": "x", "2": "x"}
    for subject, text, outcome in (("1", "the falcon is secret", "block"), ("2", "a falcon in the sky", "allow")):
        decide_case(morgan, make_note_case(alice, subject, text=text), outcome)
    client.force_login(morgan)
    assert client.get("/review/blocklists/").status_code == 404
    client.force_login(ada)
    sent = {"name": "Birds", "kind": "words", "entries": "falcon\nfalcon\n eagle ", "code": "secrets",
            "action": "withhold", "stages": ["question"], "owner": ada.pk, "sample": "One eagle"}  # fmt: skip
    page = client.post("/review/blocklists/new/", {**sent, "do": "try"}).content.decode()
    assert "2 of 2 reviewed texts, 1 of them violations" in page
    assert "0 of" in page and "<code>eagle</code>" in page and "is secret" not in page
    assert not PolicyVersion.objects.filter(status="draft").exists()
    assert client.post("/review/blocklists/new/", {**sent, "do": "keep"})["Location"] == "/review/policy/"
    [kept] = PolicyVersion.objects.get(status="draft").body["lists"]
    assert kept["entries"] == ["falcon", "eagle"]
    page = client.get("/review/blocklists/").content.decode()
    assert "Birds" in page and "draft in Policy 2" in page and "no matches yet" in page
    client.post(f"/review/blocklists/{kept['key']}/", {**sent, "name": "All birds", "do": "keep"})
    assert PolicyVersion.objects.order_by("-number").first().body["lists"][0]["name"] == "All birds"
    client.post(f"/review/blocklists/{kept['key']}/", {"do": "remove"})
    assert PolicyVersion.objects.order_by("-number").first().body["lists"] == []
    assert client.get(f"/review/blocklists/{kept['key']}/").status_code == 404


@pytest.mark.django_db
def test_a_form_that_is_wrong_says_what_to_do(client: Client, ada: User) -> None:
    client.force_login(ada)
    sent = {"name": "Birds", "kind": "patterns", "entries": ".*", "code": "secrets", "action": "withhold",
            "stages": ["question"], "owner": ada.pk, "do": "keep"}  # fmt: skip
    yesterday = (timezone.now() - timedelta(days=2)).date().isoformat()
    for change, words in (
        ({}, "matches an empty text"),
        ({"entries": "(("}, "is not a valid pattern"),
        ({"entries": " \n "}, "This field is required"),
        ({"expires": yesterday}, "This day is in the past"),
        ({"owner": 999}, "not one of the available choices"),
    ):
        answer = client.post("/review/blocklists/new/", {**sent, **change})
        assert answer.status_code == 422 and words in answer.content.decode(), words
    assert not PolicyVersion.objects.filter(status="draft").exists()


@pytest.mark.django_db
def test_ended_lists_are_listed_as_ended(client: Client, ada: User) -> None:
    body = {
        **copy.deepcopy(versions.get_live_version().body),
        "lists": [make_blocklist_row("falcon", expires="2024-01-01", owner=ada.pk)],
    }
    PolicyVersion.objects.update(body=body, sha256=schema.hash_policy(body))
    client.force_login(ada)
    page = client.get("/review/blocklists/").content.decode()
    assert "ended</span>" in page and "until 1 January 2024" in page
