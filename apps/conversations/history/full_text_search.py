"""Full-text search of the messages of a user: FTS5 in SQLite, a generated tsvector column in PostgreSQL.

The database itself derives the index from `Message.text`, so every way of writing a message is covered. The index is
created after each `migrate`, because a migration that alters the table drops the triggers of SQLite.

Entry points: `search_messages`, `search_titles`, `create_search_index`, `purge_search_index`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from sqlite3 import sqlite_version_info
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.models import Q
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from apps.conversations.history.quote_search import search_quotes
from apps.conversations.history.transcript import load_citations
from apps.conversations.models import Conversation, Message, ShownSentences
from apps.conversations.rendering.answer_renderer import extract_verified_text
from apps.lib.text.analyzer import STOPWORDS
from apps.lib.text.language_detection import list_function_words
from apps.users.models import User

MAX_HITS = 60  # messages of one search, the latest first
_TERMS = 8
_SECURE_DELETE = (3, 45)  # version of SQLite from which FTS5's secure-delete works correctly
_BEFORE, _AFTER = 30, 180  # characters of a snippet: the palette shows one line, in which the match must stand
_MATCHES = 100  # of a text that are compared for its snippet
_WORD = re.compile(r"\w+")
_MARKUP = re.compile(  # of Markdown: headings, quotes, lists, rules, fences, links and cells; the others are _EMPHASIS
    r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]?|[-*+][ \t]+)+|^[ \t]*(?:[-*_|:][ \t]*){3,}$|^[ \t]*(?:```|~~~).*$|"
    r"[ \t]*\|[ \t]*|!?\[([^\]\n]*)\]\([^)\s]*\)",
    re.MULTILINE,
)
_EMPHASIS = re.compile(r"\*{2,3}|(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w)|~~|`+")

_WITHDRAW = """
  INSERT INTO conversations_words(conversations_words, rowid, owner, text)
    SELECT 'delete', id, 'u' || old.asked_by_id, old.text FROM conversations_sought WHERE message_id = old.id;
  DELETE FROM conversations_sought WHERE message_id = old.id;"""
_SQLITE = (
    "CREATE TABLE IF NOT EXISTS conversations_sought (id integer PRIMARY KEY, message_id char(32) NOT NULL UNIQUE)",
    """CREATE VIRTUAL TABLE IF NOT EXISTS conversations_words
    USING fts5(owner, text, content='', tokenize='unicode61 remove_diacritics 2', prefix='2 3')""",
    """CREATE TRIGGER conversations_words_added AFTER INSERT ON conversations_message
    WHEN new.status <> 'writing' AND new.text <> '' BEGIN
  INSERT INTO conversations_sought(message_id) VALUES (new.id);
  INSERT INTO conversations_words(rowid, owner, text) VALUES (last_insert_rowid(), 'u' || new.asked_by_id, new.text);
END""",
    f"""CREATE TRIGGER conversations_words_changed AFTER UPDATE OF text, status ON conversations_message
    WHEN new.status <> 'writing' AND (old.text <> new.text OR old.status <> new.status) BEGIN{_WITHDRAW}
  INSERT INTO conversations_sought(message_id) SELECT new.id WHERE new.text <> '';
  INSERT INTO conversations_words(rowid, owner, text)
    SELECT id, 'u' || new.asked_by_id, new.text FROM conversations_sought WHERE message_id = new.id;
END""",  # noqa: S608 - nothing in it comes from outside
    f"CREATE TRIGGER conversations_words_gone AFTER DELETE ON conversations_message BEGIN{_WITHDRAW}\nEND",
    "INSERT INTO conversations_words(conversations_words) VALUES ('delete-all')",
    "DELETE FROM conversations_sought",
    """INSERT INTO conversations_sought(message_id)
    SELECT id FROM conversations_message WHERE status <> 'writing' AND text <> '' ORDER BY created""",
    """INSERT INTO conversations_words(rowid, owner, text) SELECT s.id, 'u' || m.asked_by_id, m.text
    FROM conversations_sought s JOIN conversations_message m ON m.id = s.message_id""",
)
_TRIGGERS = ("conversations_words_added", "conversations_words_changed", "conversations_words_gone")
_POSTGRESQL = (
    """ALTER TABLE conversations_message ADD COLUMN IF NOT EXISTS words tsvector
    GENERATED ALWAYS AS (to_tsvector('simple', left(text, 200000))) STORED""",
    "CREATE INDEX IF NOT EXISTS conversations_words ON conversations_message USING gin (words)",
)
_FIND = {
    "sqlite": """
SELECT s.message_id FROM conversations_words w CROSS JOIN conversations_sought s ON s.id = w.rowid
CROSS JOIN conversations_message m ON m.id = s.message_id
CROSS JOIN conversations_conversation c ON c.id = m.conversation_id
WHERE conversations_words MATCH %s AND c.deleted IS NULL ORDER BY w.rowid DESC LIMIT %s""",
    "postgresql": """
SELECT m.id FROM conversations_message m JOIN conversations_conversation c ON c.id = m.conversation_id
WHERE m.words @@ to_tsquery('simple', %s) AND m.asked_by_id = %s AND m.status <> 'writing' AND c.deleted IS NULL
ORDER BY m.created DESC LIMIT %s""",
}


@dataclass(frozen=True, slots=True)
class MessageHit:
    """Message that holds every search word, with a snippet around the first, matches marked."""

    message: Message
    snippet: SafeString


def search_messages(user: User, text: str, limit: int = MAX_HITS) -> list[MessageHit]:
    """Return messages of the user's own conversations that hold every word, the latest first. For `in_db`.

    The words of an answer are those on its page: its quotes as the user may read them now, and its text without
    unverified sentences that are not shown. The last word matches as a prefix. Case does not matter, nor do accents
    with SQLite.
    """
    terms = split_query(text)
    if not terms:
        return []
    found = _find_ids(user, terms, limit)
    # The query above checked the owner. Filtering by owner here again would read all messages of the user.
    rows = Message.objects.filter(pk__in=found)
    rows = rows.only("role", "text", "shown_sentences", "created", "conversation_id", "asked_by_id")
    known = {row.pk: row for row in rows.order_by() if row.asked_by_id == user.pk}
    quotes: dict[UUID, str] = {}
    for row, quoted in search_quotes(user, terms):
        quotes[row.pk] = f"{quoted}\n"
        known.setdefault(row.pk, row)
    verified = _get_verified_texts(list(known.values()))
    shown = {pk: quotes.get(pk, "") + verified.get(pk, row.text) for pk, row in known.items()}
    indexed = set(found) - set(verified)  # the index holds just what their pages show
    hits = [
        MessageHit(row, make_snippet(shown[pk], terms))
        for pk, row in known.items()
        if pk in indexed or _holds_terms(shown[pk], terms)
    ]
    return sorted(hits, key=lambda hit: hit.message.created, reverse=True)[:limit]


def search_titles(user: User, text: str) -> list[Conversation]:
    """Return the user's conversations whose title or tags hold every word."""
    rows = Conversation.objects.visible_to(user)
    for term in split_query(text):
        rows = rows.filter(Q(title__icontains=term) | Q(tags__icontains=term))
    return list(rows[:MAX_HITS])


def split_query(text: str) -> list[str]:
    """Return the first eight words of the query, without punctuation."""
    found: list[str] = _WORD.findall(unicodedata.normalize("NFC", text))
    return found[:_TERMS]


def make_snippet(text: str, terms: Sequence[str]) -> SafeString:
    """Return the text where most of the terms stand together, without Markdown, escaped, with each match in <mark>.

    Function words ("the") count only where the user looks for nothing else."""
    plain = " ".join(_EMPHASIS.sub("", _MARKUP.sub(lambda sign: sign[1] or " ", text)).split())
    small = STOPWORDS | list_function_words(" ".join(terms))
    wanted = [_fold(term) for term in terms if term.casefold() not in small] or [_fold(term) for term in terms]
    matches = (word for word in _WORD.finditer(plain) if _matches(word.group(), wanted))
    first = _find_densest(list(islice(matches, _MATCHES)), wanted)
    start, end = max(0, first - _BEFORE), min(len(plain), first + _AFTER)
    start = plain.rfind(" ", 0, start) + 1 if start else 0
    parts, at = ["… " if start else ""], start
    for word in _WORD.finditer(plain, start, end):
        if _matches(word.group(), wanted):
            parts += [escape(plain[at : word.start()]), "<mark>", escape(word.group()), "</mark>"]
            at = word.end()
    tail = plain[at:end] if end == len(plain) else plain[at:end].rsplit(" ", 1)[0] + " …"
    return mark_safe("".join([*parts, escape(tail)]))  # noqa: S308 - every part was escaped above


def _find_densest(matches: Sequence[re.Match[str]], wanted: Sequence[str]) -> int:
    """Return the start of the match from which a snippet holds most of the wanted words; 0 without a match."""

    def count_terms(first: re.Match[str]) -> int:
        near = [word.group() for word in matches if 0 <= word.start() - first.start() < _AFTER]
        return sum(any(_matches(word, [term]) for word in near) for term in wanted)

    return max(matches, key=count_terms).start() if matches else 0


def create_search_index(using: str = "default", **_: Any) -> None:
    """Create the index if it is missing. Called after each `migrate`."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    if Message._meta.db_table not in tables:
        return  # a backward migration has removed the table
    with connection.cursor() as cursor:
        for statement in _POSTGRESQL if connection.vendor == "postgresql" else _get_missing_statements(cursor):
            cursor.execute(statement)
        if connection.vendor == "sqlite" and sqlite_version_info >= _SECURE_DELETE:
            cursor.execute("INSERT INTO conversations_words(conversations_words, rank) VALUES ('secure-delete', 1)")


def purge_search_index() -> None:
    """Remove the words of deleted messages from the index of SQLite, which keeps them until segments are merged.

    Does nothing with PostgreSQL, whose index follows the row.
    """
    connection = connections["default"]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO conversations_words(conversations_words) VALUES ('optimize')")


def _get_missing_statements(cursor: Any) -> list[str]:
    """Return the statements that recreate SQLite's index, if one of its triggers is missing; else []."""
    cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    present = {name for (name,) in cursor.fetchall()}
    if present.issuperset(_TRIGGERS):
        return []
    return [*(f"DROP TRIGGER IF EXISTS {name}" for name in _TRIGGERS), *_SQLITE]


def _get_verified_texts(rows: Sequence[Message]) -> dict[UUID, str]:
    """Return the visible text of each answer that shows verified sentences only; other answers are left out."""
    folded = [row for row in rows if row.shown_sentences == ShownSentences.VERIFIED]
    citations = load_citations(folded) if folded else {}
    return {row.pk: extract_verified_text(row.text, citations.get(row.pk, ())) for row in folded}


def _find_ids(user: User, terms: Sequence[str], limit: int) -> list[UUID]:
    connection = connections["default"]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            begun = " & ".join([*(f"'{term}'" for term in terms[:-1]), f"'{terms[-1]}':*"])
            cursor.execute(_FIND["postgresql"], [begun, user.pk, limit])
            return [row[0] for row in cursor.fetchall()]
        quoted = " AND ".join([*(f'text: "{term}"' for term in terms[:-1]), f'text: "{terms[-1]}" *'])
        cursor.execute(_FIND["sqlite"], [f'owner: "u{user.pk}" AND {quoted}', limit])
        return [UUID(row[0]) for row in cursor.fetchall()]


def _holds_terms(text: str, terms: Sequence[str]) -> bool:
    """Return whether the text holds every term, the last one as a prefix of a word."""
    present = {_fold(word) for word in _WORD.findall(text)}
    *whole, begun = map(_fold, terms)
    return present.issuperset(whole) and any(word.startswith(begun) for word in present)


def _matches(word: str, wanted: Sequence[str]) -> bool:
    folded = _fold(word)
    return folded.startswith(wanted[-1]) or folded in wanted


def _fold(word: str) -> str:
    if word.isascii():
        return word.lower()
    return "".join(sign for sign in unicodedata.normalize("NFKD", word).casefold() if not unicodedata.combining(sign))
