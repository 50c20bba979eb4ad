"""The policy edited by a form: counted while it is edited, saved as a draft, and described in words to the approver."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from django.test import Client

from apps.lib.concurrency.threads import in_db
from apps.safety.errors import ActionRefused
from apps.safety.models import AuditEntry, PolicyVersion
from apps.safety.policy import schema, versions
from apps.safety.policy_admin import backtest, version_diff
from apps.safety.policy_admin.version_diff import ValueChange, VersionDifference
from apps.safety.views.policy_form import PolicyForm
from apps.users.models import User
from tests.factories import make_user
from tests.safety.policy_drafts import MAYBE, PLAIN, SURE, check_questions, make_policy_body

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("verdicts_recorded")]
EDIT, PREVIEW, CLAUSE = "/review/policy/edit/", "/review/policy/preview/hate/", "/review/policy/clauses/hate/"


@pytest.fixture
def console(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def sent(row: PolicyVersion | None = None, **changes: Any) -> dict[str, Any]:
    """Return what the browser sends for the form of the version, with changes such as `hate_title`."""
    base = row or versions.get_live_version()
    form = PolicyForm(base.body)
    data = {name: form[name].value() for name in form.fields} | {"note": "Hate was missed"}
    data |= {name.replace("_", "-"): value for name, value in changes.items()}
    return {"base": base.number, **{name: "" if value is None else value for name, value in data.items()}}


def hate(row: PolicyVersion) -> dict[str, Any]:
    return next(clause for clause in row.body["clauses"] if clause["code"] == "hate")


def differences(new: PolicyVersion) -> list[VersionDifference]:
    live = schema.parse_policy(versions.get_live_version().body)
    return version_diff.compare_policies(live, schema.parse_policy(new.body))


def test_an_unchanged_form_keeps_every_clause(ada: User, console: Client) -> None:
    live = versions.get_live_version()
    form = PolicyForm(live.body, sent())
    assert form.is_valid(), form.errors
    assert version_diff.compare_policies(form.policy, schema.parse_policy({"clauses": form.clauses()})) == []
    page = console.post(EDIT, sent())
    assert page.status_code == 422 and "You have not changed anything." in page.content.decode()
    assert PolicyVersion.objects.count() == 1


def test_policy_form_weighs_little_and_fetches_the_fields_of_a_clause_when_it_is_opened(
    console: Client, ada: User
) -> None:
    page = console.get(EDIT).content
    assert len(page) <= 80_000, "bytes with all clauses of the packaged policy"
    assert b'name="hate-title"' not in page and b"/review/policy/clauses/hate/?base=1" in page
    assert b'name="hate-title"' in console.get(f"{EDIT}?clause=hate").content, "without JavaScript"
    fields = console.get(CLAUSE).content
    assert b'name="hate-question-0-least"' in fields and b"violence-title" not in fields


def test_fields_of_a_clause_are_of_the_version_that_the_page_was_made_from(console: Client, ada: User) -> None:
    console.post(EDIT, sent(hate_title="Hatred"))
    draft = PolicyVersion.objects.get(status="draft")
    assert b'value="Hatred"' in console.get(f"{CLAUSE}?base={draft.number}").content
    assert b'value="Hatred"' not in console.get(f"{CLAUSE}?base=1").content


def test_a_clause_without_fields_is_unchanged_and_a_typed_one_comes_back_with_its_values(
    console: Client, ada: User
) -> None:
    data = {name: value for name, value in sent().items() if name.startswith(("hate-", "violence-", "base", "note"))}
    typed = data | {"hate-title": "Hatred", "violence-question-0-least": "x"}
    page = console.post(EDIT, typed).content.decode()
    assert 'value="Hatred"' in page and 'value="x"' in page and "sexual-title" not in page
    assert page.count('<details class="clause-form" open>') == 1, "the clause with the error"
    assert console.post(EDIT, data | {"hate-title": "Hatred"})["Location"] == "/review/policy/"
    (found,) = differences(PolicyVersion.objects.get(status="draft"))
    assert [(change.label, change.after) for change in found.changes] == [("Title", "Hatred")]


def test_a_moved_threshold_a_new_one_and_a_text_become_a_draft(ada: User, console: Client) -> None:
    before = hate(versions.get_live_version())
    steps = before["steps"]["question"]
    data = sent(
        hate_text="No hate.", hate_question_0_least="0.11", hate_passage_0_least="0.7", hate_passage_0_action="review",
        note="Hate was missed",
    )  # fmt: skip
    assert console.post(EDIT, data)["Location"] == "/review/policy/"
    row = PolicyVersion.objects.get(status="draft")
    assert (row.author, row.note) == (ada, "Hate was missed")
    assert hate(row)["steps"]["question"] == [{**steps[0], "least": 0.11}, *steps[1:]]
    assert hate(row)["steps"]["passage"] == [{"least": 0.7, "action": "review"}]
    (found,) = differences(row)
    assert found.title == "Hate"
    assert found.changes[0] == ValueChange("Text", before["text"], "No hate.")
    assert [change.before for change in found.changes[1:]] == [f"at a score of {steps[0]['least']:.2f} or more", ""]
    after = [change.after for change in found.changes[1:]]
    assert after == ["at a score of 0.11 or more", "at a score of 0.70 or more"]
    page = console.get("/review/policy/").content.decode()
    assert "Changes to the live version" in page and "<ins>No hate.</ins>" in page


def test_the_next_change_builds_on_the_draft_and_takes_its_place(ada: User, console: Client) -> None:
    console.post(EDIT, sent(hate_title="Hatred"))
    first = PolicyVersion.objects.get(status="draft")
    console.post(EDIT, sent(first, hate_severity="2"))
    first.refresh_from_db()
    second = PolicyVersion.objects.get(status="draft")
    assert (first.status, hate(second)["title"], hate(second)["severity"]) == ("dropped", "Hatred", 2)
    kinds = list(AuditEntry.objects.order_by("seq").values_list("kind", flat=True))
    assert kinds[-3:] == ["policy.drafted", "policy.drafted", "policy.discarded"]


def test_an_open_draft_is_continued_or_discarded(ada: User, console: Client) -> None:
    assert "Edit policy" in console.get("/review/policy/").content.decode()
    console.post(EDIT, sent(hate_title="Hatred"))
    draft = PolicyVersion.objects.get(status="draft")
    page = console.get("/review/policy/").content.decode()
    assert "Continue your draft" in page and f"Discard Policy {draft.number}" in page and "Edit policy" not in page
    assert f"You are continuing your draft Policy {draft.number}." in console.get(EDIT).content.decode()
    console.post(f"/review/policy/{draft.pk}/", {"do": "discard"})
    assert "Edit policy" in console.get("/review/policy/").content.decode()
    assert "You are editing Policy 1." in console.get(EDIT).content.decode()


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"hate_question_0_least": "1.2"}, "hate-question-0-least", "Enter a number above 0, at most 1."),
        ({"hate_question_0_least": "x"}, "hate-question-0-least", "Enter a number above 0, at most 1."),
        ({"hate_question_2_least": "0.999999", "hate_question_2_action": "note"}, "hate-question-2-action", "stricter"),
        ({"hate_question_1_least": "0.3"}, "hate-question-1-least", "0.30 is below the threshold before it (0.50)."),
        ({"hate_title": " "}, "hate-title", "required"),
        ({"hate_title": "Hatred", "note": " "}, "note", "Enter what changes, and why."),
        ({"hate_question_0_action": "blur"}, "hate-question-0-action", "valid choice"),
    ],
)
def test_policy_form_shows_an_error_at_its_field(
    console: Client, ada: User, changes: dict[str, str], field: str, words: str
) -> None:
    form = PolicyForm(versions.get_live_version().body, sent(**changes))
    assert not form.is_valid()
    assert list(form.errors) == [field] and words in str(form.errors[field])
    page = console.post(EDIT, sent(**changes))
    assert page.status_code == 422 and words in page.content.decode()
    counted = console.post(PREVIEW, sent(**changes)).content.decode()
    assert (words in counted) is (field != "note"), "a reason is not needed to count"
    assert not PolicyVersion.objects.filter(status="draft").exists()


def test_a_threshold_is_written_alike_in_form_list_and_difference(ada: User, console: Client) -> None:
    live = versions.get_live_version()
    new = copy.deepcopy(live.body)
    row = next(row for row in new["clauses"] if row["code"] == "hate")
    row["steps"] = {"question": [{"least": 0.5, "action": "note"}, {"least": 0.996, "action": "withhold"}]}
    PolicyVersion.objects.filter(pk=live.pk).update(body=new)
    form = PolicyForm(new)
    assert [form[f"hate-question-{n}-least"].value() for n in range(3)] == ["0.50", "0.996", None]
    page = console.get("/review/policy/").content.decode()
    assert "allowed and counted at a score of 0.50 or more" in page and "withheld at a score of 0.996 or more" in page


def test_policy_form_and_preview_are_for_administrators_only(client: Client, ada: User, morgan: User) -> None:
    client.force_login(morgan)
    data = sent()
    assert client.get(EDIT).status_code in (302, 403, 404)
    assert client.post(PREVIEW, data).status_code in (302, 403, 404)
    row = versions.get_live_version()
    with pytest.raises(ActionRefused):
        versions.save_clauses(morgan, row, row.body["clauses"])
    with pytest.raises(ActionRefused):
        backtest.preview_changes(morgan, row.body, 30, 1.0)


async def test_a_moved_threshold_says_how_many_verdicts_would_change(ada: User, console: Client) -> None:
    await check_questions(PLAIN, MAYBE, SURE)
    data = await in_db(lambda: sent(hate_question_1_least="0.55", hate_question_0_least=""))
    page = " ".join((await in_db(lambda: console.post(PREVIEW, data).content.decode())).split())
    assert "1 of 3 verdicts of the last 30 days would change." in page
    assert "Allowed and counted → Withheld and sent to review: 1" in page
    same = await in_db(lambda: console.post(PREVIEW, sent()).content.decode())
    assert "0 of 3 verdicts" in same
    late = await in_db(lambda: backtest.preview_changes(ada, make_policy_body(withhold=0.5), 30, 0.0))
    assert (late.evaluated, late.complete) == (0, False), "time was over"
    assert not await in_db(lambda: PolicyVersion.objects.exclude(status="live").exists())


async def test_second_administrator_reads_the_difference_and_approves(ada: User, console: Client) -> None:
    grace = await in_db(lambda: make_user("grace", User.Role.ADMINISTRATOR))
    await check_questions(MAYBE)
    await in_db(lambda: console.post(EDIT, sent(hate_question_0_least="0.7")))
    row = await in_db(lambda: PolicyVersion.objects.get(status="draft"))
    other = Client()
    await in_db(other.force_login, grace)
    page = await in_db(lambda: other.get("/review/policy/").content.decode())
    assert "<ins>at a score of 0.70 or more</ins>" in page
    for step in ("replay", "approve"):
        await in_db(lambda step=step: other.post(f"/review/policy/{row.pk}/", {"do": step}))
    await in_db(row.refresh_from_db)
    assert (row.status, row.approver_id) == ("live", grace.pk)
    assert await in_db(lambda: differences(row)) == []


def test_actions_clauses_and_lists_are_compared_in_words(ada: User) -> None:
    live = versions.get_live_version().body
    new = copy.deepcopy(live)
    clause = next(row for row in new["clauses"] if row["code"] == "hate")
    clause |= {"fail": "closed", "rule": "note", "steps": {"question": [{"least": 0.5, "action": "label"}]}}
    new["lists"] = [
        {"key": "list-a", "name": "Codes", "owner": 1, "code": "secrets", "kind": "words", "entries": ["falcon", "owl"],
         "action": "withhold", "stages": ["question"]}
    ]  # fmt: skip
    old = copy.deepcopy(live)
    next(row for row in old["clauses"] if row["code"] == "hate")["steps"] = {
        "question": [{"least": 0.5, "action": "note"}, {"least": 0.9, "action": "withhold"}]
    }
    first, second = version_diff.compare_policies(schema.parse_policy(old), schema.parse_policy(new))
    labels = {change.label: (change.before, change.after) for change in first.changes}
    assert labels["If a check fails"] == ("Allowed, labelled as not checked", "Everything is withheld")
    assert "Question, at a score of 0.50 or more" in labels
    assert ("at a score of 0.90 or more", "") in labels.values()
    assert second.title == "List “Codes”" and second.changes[0].after == "2 entries"
    (back,) = version_diff.compare_policies(schema.parse_policy(new), schema.parse_policy({**new, "lists": []}))
    assert back.changes[0].before == "2 entries"
