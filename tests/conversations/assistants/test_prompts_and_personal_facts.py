"""Saved prompts, and what is remembered about a person: theirs alone, heeded only while switched on, and said so."""

from __future__ import annotations

import pytest

from apps.conversations.models import Message, SavedPrompt
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.factories import make_client, make_user

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How high was the lighthouse of Alexandria?"


def keep(user: User, *facts: tuple[str, bool], **also: str):
    """What the form sends for those facts."""
    data = {"fact-TOTAL_FORMS": len(facts), "fact-INITIAL_FORMS": 0, **also}
    for number, (text, on) in enumerate(facts):
        data[f"fact-{number}-text"] = text
        if on:
            data[f"fact-{number}-on"] = "on"
    return make_client(user).post("/instructions/", data)


async def sent(open_page, user: User, chat) -> tuple[str, list[str]]:
    """The system text of a new question, and the words of the answer's steps."""
    page = await open_page(user)
    turn = await page.ask(QUESTION)
    await page.events()
    answer = await Message.objects.aget(pk=turn["turn"])
    return chat.requests[-1].messages[0].content, [step["words"] for step in answer.steps]


async def test_facts_are_heeded_while_they_are_on_and_the_answer_says_so(open_page, alice, library, chat) -> None:
    await in_db(keep, alice, ("I am a nurse.", True), ("I live in Kiel.", False), ("  ", True), remembers="on")
    text, steps = await sent(open_page, alice, chat)
    assert "- I am a nurse." in text and "Kiel" not in text
    assert "Used 1 fact about you" in steps
    await in_db(keep, alice, ("I am a nurse.", True))
    text, steps = await sent(open_page, alice, chat)
    assert "nurse" not in text and not any("about you" in step for step in steps), "switched off as a whole"
    await in_db(keep, alice, ("I am a nurse.", True), ("I live in Kiel.", True), remembers="on")
    await User.objects.filter(pk=alice.pk).aupdate(instructions="Use metres.")
    text, steps = await sent(open_page, alice, chat)
    assert "Use metres." in text and "- I live in Kiel." in text
    assert "Followed your instructions and used 2 facts about you" in steps


def test_facts_are_shown_to_their_person_and_cleared_at_once_and_bad_ones_change_nothing(alice, bob) -> None:
    keep(alice, ("I am a nurse.", True), remembers="on")
    assert 'value="I am a nurse' in make_client(alice).get("/instructions/").content.decode()
    assert 'value="I am a nurse' not in make_client(bob).get("/instructions/").content.decode()
    assert keep(alice, ("x" * 301, True), remembers="on").status_code == 400
    assert keep(alice, *((f"Fact {n}", True) for n in range(51)), remembers="on").status_code == 400
    assert User.objects.get(pk=alice.pk).facts == [{"text": "I am a nurse.", "on": True}]
    User.objects.filter(pk=alice.pk).update(instructions="Use metres.")
    keep(alice, clear="yes")
    alice.refresh_from_db()
    assert (alice.facts, alice.instructions) == ([], "Use metres.")


def test_instructions_and_facts_are_saved_by_one_button(alice) -> None:
    page = make_client(alice).get("/instructions/").content.decode()
    assert page.count("Save</button>") == 1
    keep(alice, ("I am a nurse.", True), instructions="Use metres.", remembers="on")
    alice.refresh_from_db()
    assert (alice.instructions, [fact["text"] for fact in alice.facts]) == ("Use metres.", ["I am a nurse."])


def test_prompts_are_their_persons_own_unless_an_administrator_offers_them_to_everybody(alice, bob) -> None:
    ada = make_user("ada", User.Role.ADMINISTRATOR)
    make_client(alice).post("/prompts/", {"name": "Letter", "text": "Write to {{whom}}.", "everyone": "on"})
    make_client(ada).post(
        "/prompts/", {"name": "Summary", "text": "Sum up {{what}} in {{lines}} lines.", "everyone": "on"}
    )
    assert not SavedPrompt.objects.get(name="Letter").everyone, "only administrators offer"
    offered = make_client(bob).get("/").content.decode()
    assert 'data-name="Summary"' in offered and "Sum up {{what}} in {{lines}} lines." in offered
    assert 'data-name="Letter"' not in offered
    letter = SavedPrompt.objects.get(name="Letter").pk
    for method in (make_client(bob).get, make_client(ada).get):
        assert method(f"/prompts/{letter}/").status_code == 404
    assert make_client(bob).post(f"/prompts/{letter}/delete/").status_code == 404
    again = make_client(alice).post("/prompts/", {"name": " Letter ", "text": "Other"})
    assert again.status_code == 400 and "already have a prompt" in again.content.decode()
    make_client(alice).post(f"/prompts/{letter}/", {"name": "Letter", "text": "Write <b>to</b> {{whom}}."})
    assert "Write &lt;b&gt;to&lt;/b&gt;" in make_client(alice).get("/").content.decode()
    make_client(alice).post(f"/prompts/{letter}/delete/")
    assert not SavedPrompt.objects.filter(pk=letter).exists()
