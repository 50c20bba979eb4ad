"""What leaves, as an export or by a link, has a verdict of that stage; what is held stays back, its clause named."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.http import Http404
from django.utils import timezone

from apps.conversations.image_chat import tiles
from apps.conversations.models import Conversation, Message, Share
from apps.conversations.sharing import links
from apps.engines import registry
from apps.images.models import Picture
from apps.privacy import data_export
from apps.safety.gate import exports, gate
from apps.safety.models import Case, OutboundVerdict, PolicyVersion, RecordedVerdict
from apps.safety.policy import versions
from apps.safety.policy.evaluation import PolicyResult
from apps.safety.policy.schema import Stage, hash_policy
from apps.safety.policy.verdicts import CheckUnavailable
from apps.users.models import User
from tests.conversations.disclosure.conftest import HARMLESS, HATEFUL, Looks
from tests.factories import decide_case, get_page, get_reviewer, make_client, share_conversation
from tests.safety import policy_drafts

pytestmark = pytest.mark.django_db


def in_force(body: dict[str, Any]) -> None:
    PolicyVersion.objects.filter(pk=versions.get_live_version().pk).update(body=body, sha256=hash_policy(body))
    versions.refresh_policy()


@pytest.mark.parametrize("name", ["export.md", "export.json", "print/"])
def test_an_export_withholds_with_the_clause_named(
    conversation: Conversation, alice: User, name: str, settings: LazySettings
) -> None:
    settings.VERDICT_DAYS = 30
    page = get_page(alice, f"/c/{conversation.pk}/{name}")
    assert HATEFUL not in page and HARMLESS in page and "Who says so?" in page
    assert "withheld from exports" in page and "Hate" in page and "A reviewer will check it" in page
    row = OutboundVerdict.objects.get(code="hate")
    assert (row.stage, row.action) == ("export", "withhold_and_review") and OutboundVerdict.objects.count() == 2
    assert RecordedVerdict.objects.filter(stage="export").count() == 2, "what was let through has its row too"
    case = Case.objects.get()
    assert (case.kind, case.clause, case.snapshot.stage, case.owner) == ("answer", "hate", "export", alice)
    assert HATEFUL in get_page(alice, f"/c/{conversation.pk}/"), "the page of the conversation is another stage"


def test_a_verdict_is_made_once_for_a_text_a_policy_and_a_stage(
    conversation: Conversation, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    looked_at = gate.check_text

    async def counted(text: str) -> Any:
        read.append(text)
        return await looked_at(text)

    monkeypatch.setattr(gate, "check_text", counted)
    for _ in range(3):
        get_page(alice, f"/c/{conversation.pk}/export.md")
        get_page(alice, f"/c/{conversation.pk}/export.json")
    assert sorted(read) == sorted([HARMLESS, HATEFUL]) and Case.objects.get().report_count == 1
    get_page(alice, share_conversation(conversation))
    assert len(read) == 7, "the link is a stage of its own, with the questions and the title"
    in_force(policy_drafts.make_policy_body("export", withhold=0.95))
    get_page(alice, f"/c/{conversation.pk}/export.md")
    assert len(read) == 9, "another policy judges anew"


def test_text_allowed_by_a_reviewer_is_exported_again(conversation: Conversation, alice: User) -> None:
    get_page(alice, f"/c/{conversation.pk}/export.md")
    morgan, case = get_reviewer("morgan"), Case.objects.get()
    decide_case(morgan, case, "allow", "context")
    versions.refresh_policy()
    assert HATEFUL in get_page(alice, f"/c/{conversation.pk}/export.md")


def test_a_clause_may_say_otherwise_for_each_stage(conversation: Conversation, alice: User, bob: User) -> None:
    body = policy_drafts.make_policy_body("export", note=0.5)
    hate = next(row for row in body["clauses"] if row["code"] == "hate")
    hate["steps"]["share"] = [{"least": 0.5, "action": "withhold"}]
    in_force(body)
    assert HATEFUL in get_page(alice, f"/c/{conversation.pk}/export.md")
    page = get_page(bob, share_conversation(conversation))
    assert HATEFUL not in page and "withheld from shared links" in page
    assert "A reviewer will check it" not in page and not Case.objects.exists()


def test_a_link_and_what_is_copied_from_it_are_without_it(conversation: Conversation, bob: User) -> None:
    Message.objects.filter(text="How high is it?").update(text="Is it [hate]?")
    address = share_conversation(conversation)
    page = get_page(bob, address)
    assert HATEFUL not in page and "Is it [hate]?" not in page and HARMLESS in page
    assert "withheld from shared links" in page and "This question is withheld." in page
    answer = Message.objects.get(text=HATEFUL)
    assert make_client(bob).get(f"{address}answers/{answer.pk}/behind/").status_code == 404
    make_client(bob).post(f"{address}copy/")
    copied = Message.objects.filter(conversation__owner=bob)
    assert copied.count() == 4 and not copied.filter(text__contains="[hate]").exists()
    assert Message.objects.get(pk=answer.pk).text == HATEFUL, "the original stays as it is"


def test_a_copy_of_ones_own_data_is_complete_and_says_why(conversation: Conversation, alice: User) -> None:
    found = dict(data_export._archive_parts(alice))[f"conversations/{conversation.pk}.json"]
    answer = found["messages"][-1]
    assert answer["text"] == HATEFUL and answer["verdict"]["withheld"] is False
    assert answer["verdict"]["clause"] == "hate" and "complete" in answer["verdict"]["why"]
    assert "verdict" not in found["messages"][1]


def test_data_export_withholds_a_hateful_answer_given_to_another_user(
    conversation: Conversation, alice: User, bob: User
) -> None:
    answer = Message.objects.get(text=HATEFUL)
    other = Conversation.objects.create(owner=bob, title="A copy")
    fields = {"conversation": other, "asked_by": bob, "status": "complete"}
    question = Message.objects.create(role="user", text="Who says so?", origin=answer.parent_id, **fields)
    Message.objects.create(role="assistant", parent=question, text=HATEFUL, origin=answer.pk, **fields)
    found = dict(data_export._archive_parts(bob))[f"conversations/{other.pk}.json"]["messages"][-1]
    assert found["text"] == "" and found["verdict"]["withheld"] is True and found["verdict"]["clause"] == "hate"


def test_unjudged_text_stays_back_and_is_judged_at_the_next_export(
    conversation: Conversation, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        async def sentence(self, text: str, since: int) -> None:
            raise CheckUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(gate, "_check", Away)
        page = get_page(alice, f"/c/{conversation.pk}/export.md")
        assert HARMLESS not in page and "not available right now" in page and not OutboundVerdict.objects.exists()
    assert HARMLESS in get_page(alice, f"/c/{conversation.pk}/export.md")


def test_a_picture_has_a_verdict_of_its_own(
    conversation: Conversation, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Picture.objects.create(owner=alice, prompt="A lamp", width=64, height=64, steps=1, guidance=1, seed=1,
                                 model="fake", status="ready", sha256="1" * 64)  # fmt: skip
    answer = Message.objects.get(text=HARMLESS)
    Message.objects.filter(pk=answer.pk).update(picture_request={"prompt": "A lamp"})
    tiles.add_tiles(answer.pk, [row.pk])
    address = share_conversation(conversation)
    shown = f"{address}pictures/{row.pk}.png"
    assert shown in get_page(bob, address) and "created by fake" in get_page(alice, f"/c/{conversation.pk}/export.md")
    monkeypatch.setattr(registry, "get_image_classifier", Looks)
    monkeypatch.setattr("apps.conversations.disclosure.outbound_check.read_stored_bytes", lambda file: b"a picture")
    assert shown not in get_page(bob, address) and make_client(bob).get(shown).status_code == 404
    assert "created by fake" not in get_page(alice, f"/c/{conversation.pk}/export.md")
    assert str(row.pk) not in get_page(alice, f"/c/{conversation.pk}/print/")
    assert OutboundVerdict.objects.filter(code="sexual").count() == 2


def test_shared_picture_is_judged_alone_when_fetched(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields: dict[str, Any] = {"owner": conversation.owner, "prompt": "A lamp", "width": 64, "height": 64, "steps": 1}
    fields |= {"guidance": 1, "model": "fake", "status": "ready"}
    Message.objects.filter(text=HARMLESS).update(picture_request={"prompt": "A lamp"})
    rows = [Picture.objects.create(seed=seed, sha256=str(seed) * 64, **fields) for seed in (1, 2, 3)]
    tiles.add_tiles(Message.objects.get(text=HARMLESS).pk, [row.pk for row in rows])
    judged: list[str] = []
    share_conversation(conversation)
    monkeypatch.setattr(
        links.outbound_check.exports,
        "check_picture",
        lambda stage, sha256, *more: judged.append(sha256) or exports.ExportVerdict(PolicyResult(None)),
    )
    assert links.get_shared_picture(Share.objects.get(), rows[1].pk) == rows[1]
    assert judged == [rows[1].sha256]


def test_shared_picture_or_source_judges_only_its_own_exchange(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page has judged all of them; n pictures and sources would judge the conversation n times more."""
    fields: dict[str, Any] = {"owner": conversation.owner, "prompt": "A lamp", "width": 64, "height": 64, "steps": 1}
    row = Picture.objects.create(seed=1, sha256="1" * 64, guidance=1, model="fake", status="ready", **fields)
    answer, withheld = Message.objects.get(text=HARMLESS), Message.objects.get(text=HATEFUL)
    Message.objects.update(picture_request={"prompt": "A lamp"})
    tiles.add_tiles(answer.pk, [row.pk])
    share_conversation(conversation)
    judged: list[str] = []
    texts = exports.check_texts

    def noted(stage: Stage, said: Any) -> Any:
        judged.extend(said)
        return texts(stage, said)

    monkeypatch.setattr(exports, "check_texts", noted)
    share = Share.objects.get()
    assert links.get_shared_picture(share, row.pk) == row and judged == ["How high is it?", HARMLESS]
    assert links.get_shared_answer(answer.pk, 1) is None and judged == ["How high is it?", HARMLESS] * 2
    other = Picture.objects.create(seed=2, sha256="2" * 64, guidance=1, model="fake", status="ready", **fields)
    tiles.add_tiles(withheld.pk, [other.pk])
    with pytest.raises(Http404):
        links.get_shared_picture(share, other.pk)
    assert judged[4:] == ["Who says so?", HATEFUL], "what is withheld stays withheld"


@pytest.mark.parametrize("title_origin", Conversation.TitleOrigin.values)
def test_a_title_is_judged_too_and_one_s_own_is_exported(
    conversation: Conversation, alice: User, bob: User, title_origin: str
) -> None:
    Conversation.objects.update(title="Tale of [hate]", title_origin=title_origin)
    conversation.refresh_from_db()
    address = share_conversation(conversation)
    page = get_page(bob, address)
    instead = "How high is it?" if title_origin == Conversation.TitleOrigin.MODEL else "Shared conversation"
    assert "[hate]" not in page and f"<title>{instead}" in page
    make_client(bob).post(f"{address}copy/")
    assert Conversation.objects.get(owner=bob).title == f"{instead} (copy)"
    for name in ("export.md", "export.json", "print/"):
        answer = make_client(alice).get(f"/c/{conversation.pk}/{name}")
        said = f"{answer.content.decode()} {answer.headers.get('Content-Disposition', '')}"
        assert ("[hate]" in said) is (title_origin != "model") and ("hate" in said.split()[-1]) is (
            title_origin != "model" and name != "print/"
        )
    assert dict(data_export._archive_parts(alice))[f"conversations/{conversation.pk}.json"]["title"] == "Tale of [hate]"


@pytest.mark.parametrize("title_origin", Conversation.TitleOrigin.values)
def test_a_title_made_of_an_answer_that_stays_back_heads_no_link(
    conversation: Conversation, alice: User, bob: User, title_origin: str
) -> None:
    Conversation.objects.update(title="Old words, word for word", title_origin=title_origin)
    conversation.refresh_from_db()
    Message.objects.filter(text=HARMLESS).update(text=HATEFUL)
    assert ("Old words" in get_page(bob, share_conversation(conversation))) is (title_origin != "model")


def test_a_list_of_the_site_may_name_what_does_not_leave(conversation: Conversation, alice: User) -> None:
    own = {"key": "list-1", "name": "Code names", "owner": alice.pk, "code": "intellectual_property", "kind": "words",
           "entries": ["hundred metres"], "action": "withhold", "stages": ["export"]}  # fmt: skip
    in_force({**versions.get_live_version().body, "lists": [own]})
    page = get_page(alice, f"/c/{conversation.pk}/export.md")
    assert HARMLESS not in page and "Copyright and brands" in page
    assert HARMLESS in get_page(alice, share_conversation(conversation)), "the list is not for links"


def test_old_verdicts_go(conversation: Conversation, alice: User) -> None:
    get_page(alice, f"/c/{conversation.pk}/export.md")
    assert exports.delete_old_verdicts() == 0
    OutboundVerdict.objects.update(checked=timezone.now().replace(year=2020))
    assert exports.delete_old_verdicts() == 2


def test_a_link_without_anything_held_is_as_before(conversation: Conversation, bob: User) -> None:
    Message.objects.filter(text=HATEFUL).update(text="The harbour master.")
    page = get_page(bob, share_conversation(conversation))
    assert "The harbour master." in page and "withheld" not in page
    assert [row.code for row in OutboundVerdict.objects.filter(stage=Stage.SHARE)] == [""] * 5
    share = Share.objects.get(conversation=conversation)
    assert links.get_link_title(share, links.load_visible_path(share)) == "Lighthouses"
