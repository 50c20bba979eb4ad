"""No page of review shows a code: clauses, actions, stages, states and entries of the log have words."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from apps.safety import code_labels
from apps.safety.audit_log import audit
from apps.safety.models import AuditEntry, Decision, Notice
from apps.safety.models.case_states import CaseMove
from apps.safety.moderation import cases
from apps.safety.policy.evaluation import SignalStatus
from apps.safety.policy.schema import CLAUSE_CODES, Action, Stage
from apps.safety.views import audit_log_rows
from apps.users.models import User
from tests.factories import Notes, make_decision_input, make_note_case
from tests.support.pages import strip_layout


def kinds() -> Iterator[str]:
    """Of all entries that the sources write."""
    for path in (Path(settings.BASE_DIR) / "apps").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func) in ("audit.record_event", "record_event")
                and node.args
            ):
                for part in ast.walk(node.args[0]):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.value


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_codes_all_have_a_label(language: str) -> None:
    with translation.override(language):
        said = [code_labels.clause_label(code) for code in CLAUSE_CODES]
        said += [code_labels.stage_label(stage) for stage in Stage] + [
            code_labels.action_label(action) for action in (*Action, None)
        ]
        said += [code_labels.status_label(status) for status in SignalStatus] + [
            str(words) for words in audit_log_rows.EVENT_LABELS.values()
        ]
    assert [words for words in said if "_" in words or not words[0].isalpha()] == []
    assert code_labels.humanize_code("some_new.code") == "Some new: code"


def test_audit_log_entries_all_have_a_label() -> None:
    written = {kind for kind in kinds() if not kind.endswith(".") and ("." in kind or kind == "read")}
    written |= {f"case.{move}" for move in (CaseMove.RELEASE, CaseMove.SKIP, CaseMove.ESCALATE)}
    assert written - set(audit_log_rows.EVENT_LABELS) == set() and len(written) > 25


def test_reading_reason_is_given_in_words() -> None:
    new = {"why": "review", "clause": "prompt_attack", "thing": "document"}
    assert code_labels.reading_reason(new) == "review (Attacks on the assistant in a document)"
    assert code_labels.reading_reason({"why": "second", "clause": "hate"}) == "second review (Hate)"
    with translation.override("de"):
        assert code_labels.reading_reason(new) == "Prüfung (Angriffe auf den Assistenten in einem Dokument)"
    assert code_labels.reading_reason({"why": "the court asked"}) == "the court asked"


def test_people_are_told_in_their_own_language(alice: User, morgan: User, notes: Notes) -> None:
    User.objects.filter(pk=alice.pk).update(language="de")
    claimed = cases.claim_case(morgan, make_note_case(alice).pk)
    with translation.override("es"):
        cases.decide_case(morgan, claimed.pk, make_decision_input(claimed))
    first, last = Notice.objects.order_by("created")
    assert "wartet" in first.title and "zurückgehalten" in last.title
    assert last.clause.startswith("Hass. ") and "Widerspruch einlegen" in last.text
    assert "Nichts" in notes.state["1"]


def test_pages_of_staff_show_no_code(client: Client, ada: User, alice: User, notes: Notes) -> None:
    case = make_note_case(alice, code="prompt_attack", severity=2)
    client.force_login(ada)
    client.post(f"/review/{case.pk}/claim/")
    case.refresh_from_db()
    for address in ("/review/?show=mine", f"/review/{case.pk}/", "/review/log/", "/review/figures/", "/review/policy/"):
        page = strip_layout(client.get(address).content.decode())
        page = page.replace('name="body"', "").partition('<textarea id="body"')[0]
        for code in ("Prompt_attack", ">prompt_attack", "prompt_attack in", "withhold_and_review", "case.claimed"):
            assert code not in page, (address, code)
    data = {"token": case.lease_token, "version": case.version, "outcome": "block", "reason": "clear", "show": "new"}
    client.post(f"/review/{case.pk}/decide/", data)
    page = client.get(f"/review/{case.pk}/").content.decode()
    assert "Block: Clear violation of the clause" in page and "Policy 1" in page
    page = client.get("/review/log/").content.decode()
    assert "Case decided" in page and "Outcome: Block" in page and "review (Attacks on the assistant in: note)" in page


def test_the_log_is_for_administrators_and_can_be_narrowed(
    client: Client, ada: User, alice: User, morgan: User
) -> None:
    for number in range(60):
        audit.record_event("consent.given", actor=alice, user=alice.pk, number=number)
    audit.record_event("policy.drafted", actor=ada, subject="Policy 2", sha256="f" * 64)
    client.force_login(morgan)
    assert client.get("/review/log/").status_code == 404
    client.force_login(ada)
    page = client.get("/review/log/").content.decode()
    assert "Policy drafted" in page and f"before={AuditEntry.objects.get(seq=12).seq}" in page
    page = client.get("/review/log/?area=policy").content.decode()
    assert "Policy drafted" in page and "Consent given" not in page and "Checksum: ffffffffffff" in page
    page = client.get(f"/review/log/?who={alice.pk}&before=5").content.decode()
    assert "drafted" not in page and page.count("Consent given") == 4
    for nonsense in ("who=x", "who=1e9", "before=-1", "before=" + "9" * 40, "area=nothing", "who=%00"):
        assert client.get(f"/review/log/?{nonsense}").status_code == 200


def test_outcomes_of_decisions_have_words() -> None:
    assert all(str(outcome.label)[0].isupper() for outcome in Decision.Outcome)
