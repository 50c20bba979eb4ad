"""Where the check of sentences does not know a language, the answer says why its sentences stayed unverified."""

from __future__ import annotations

import re

import orjson
import pytest

from apps.conversations.history import transcript
from apps.conversations.models import Conversation, Message, ModelProfile
from apps.conversations.sharing import links
from apps.grounding.lexicons import find_unread_language
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.factories import get_page, make_collection, make_document

QUESTION = "Quando fu costruito il faro di Alessandria?"
LIGHTHOUSE = (
    "Il faro di Alessandria fu costruito tra il 280 e il 247 avanti Cristo nella città della costa. "
    "La torre era alta circa cento metri e la sua luce si vedeva anche da molto lontano. "
    "Tre terremoti hanno danneggiato la torre, che non fu più riparata."
)
SAID = "This check does not support Italian: only sentences quoted word for word from a document count as verified."
OTHER = "La costruzione del faro alessandrino è finita prima del 247, come dice il documento."
WHOLE = "La torre era alta circa cento metri e la sua luce si vedeva anche da molto lontano."


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Peyton Manning se convirtió en el primer mariscal de campo de la historia en llevar a dos equipos", ""),
        ("En el caso de que P no sea igual a NP, entonces P tampoco será igual a PSPACE.", ""),
        ("The crane lifts 41 tons.", ""), ("Der Kran hebt 41 Tonnen.", ""), ("41 t", ""),
        ("Se la pressione è troppo bassa, si deve aprire la valvola blu finché il manometro non indica un bar.", "it"),
        ("Le contrat peut être résilié avec un préavis de trois mois pour la fin du mois.", "fr"),
        ("Het ouderschapsverlof duurt ten hoogste zes weken en kan niet worden verdeeld over de ouders.", "nl"),
    ],
)  # fmt: skip
def test_the_language_of_an_answer_is_told_with_care(text: str, code: str) -> None:
    assert find_unread_language(text) == code


@pytest.fixture
def italian(alice: User) -> None:
    make_document(make_collection(alice, "Fari"), "Faro", [LIGHTHOUSE])


async def answered(open_page, alice: User, chat, reply: str, question: str = QUESTION) -> tuple[Message, str]:
    chat.replies.append(reply)
    page = await open_page(alice)
    accepted = await page.ask(question)
    closed = (await page.events())[-1]
    return await Message.objects.aget(pk=accepted["turn"]), closed["html"]


@pytest.mark.django_db(transaction=True)
async def test_the_answer_says_which_language_is_not_read(open_page, alice, italian, chat) -> None:
    row, html = await answered(open_page, alice, chat, OTHER)
    assert SAID in html and "could not be verified" in html
    assert (await in_db(transcript.load_turn, alice, row))["answer"]["html"] == html
    for page in ("", "print/", "export.md"):
        assert SAID in await in_db(get_page, alice, f"/c/{row.conversation_id}/{page}")
    kept = orjson.loads(await in_db(get_page, alice, f"/c/{row.conversation_id}/export.json"))["messages"][1]
    assert kept["unread_languages"] == ["it"]
    conversation = await Conversation.objects.aget(pk=row.conversation_id)
    share = await in_db(links.enable_link, alice, conversation, None, "none", "")
    assert SAID in await in_db(get_page, alice, f"/shared/{share.secret}/")


@pytest.mark.django_db(transaction=True)
async def test_an_english_answer_from_an_italian_passage_says_so_too(open_page, alice, italian, chat) -> None:
    question = "When was the faro di Alessandria built, according to its documento?"
    _, html = await answered(open_page, alice, chat, "The faro di Alessandria was built before 247.", question)
    assert SAID in html


@pytest.mark.django_db(transaction=True)
async def test_unread_language_is_not_mentioned_where_every_sentence_is_quoted(open_page, alice, italian, chat) -> None:
    row, html = await answered(open_page, alice, chat, WHOLE, "Quanto era alta la torre?")
    assert 'data-state="quoted"' in html and "does not support" not in html and not row.unread_languages


@pytest.mark.django_db(transaction=True)
async def test_unread_language_is_not_mentioned_for_documents_that_the_check_reads(
    open_page, alice, library, chat
) -> None:
    question = "How high was the lighthouse of Alexandria?"
    row, html = await answered(open_page, alice, chat, "It was painted pink by pirates.", question)
    assert "does not support" not in html and not row.unread_languages


@pytest.mark.django_db(transaction=True)
async def test_unread_language_is_mentioned_below_marked_sentences_of_a_good_model(
    open_page, alice, italian, chat
) -> None:
    await ModelProfile.objects.acreate(name=chat.name, reading_right=8, reading_asked=8)
    _, html = await answered(open_page, alice, chat, OTHER)
    assert 'class="sentence unverified"' in html and "<details" not in html
    assert re.search(rf'<p class="unread[^"]*">{re.escape(SAID)}</p>$', html)
