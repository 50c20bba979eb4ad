"""Suggest first questions, made from headings of documents that the user may read.

A heading is asked about if the prose below it uses its words again, or all those of the headings above it. Each
question is tried before it is shown: the best passage of the search must stand below that heading.

Entry points: `list_candidates`, `suggest_questions`.
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from django.core.cache import cache
from django.utils.translation import gettext

from apps.documents.models import Chunk, Collection, Document
from apps.documents.retrieval import search
from apps.engines.types import EngineError
from apps.lib.concurrency.threads import in_db
from apps.lib.text.toc_detection import has_page_leader, is_toc_or_noise
from apps.safety.text.normalization import hash_text
from apps.users.models import User

log = logging.getLogger(__name__)

MAX_QUESTIONS = 3
_CANDIDATES = 9  # questions that are tried
_READ = 20  # newest documents that are read for headings
_DOCUMENTS = 5  # documents that are asked about, at most
_TRIAL_S = 2.5  # seconds for all trials of one page
_KEPT_S = 3600  # seconds for which the result of a trial is remembered
_SHORTEST, _LONGEST = 4, 60  # characters of a heading or title in a question
_CHUNKS = 400  # chunks read per document
_PROSE = 80  # characters below a heading, at least
_SENTENCES = 1 / 3  # of the text below a heading that are ends of sentences, if it has one sentence only
_ON_SUBJECT = 0.01  # share of a section that uses no word of its heading, but all of the headings above it
_LETTERS = 0.75  # of a heading's characters that are letters or spaces, at least
_STEM = 4  # letters by which two words are taken for forms of one
SEPARATOR = " › "
_NUMBERING = re.compile(  # "2.", "3.1", "IV.", "§ 4", "Chapter 2." or "Title I:" before the words of a heading
    r"^(?:(?i:chapter|section|part|title|kapitel|abschnitt|teil|titel|capítulo|sección|parte|título) "
    r"(?:\d+|[IVXLC]+)[.:]?|"
    r"\d+(?:\.\d+)*[.)]|\d+(?:\.\d+)+|\d{1,2}(?=\s+[^\W\d_a-z])|§\s*\d+\w*|[A-Z][.)]|[IVX]+[.)])\s+"
)
# Kinds whose headings name letters, sheets, cells or symbols
_NO_SUBJECTS = ("mail", "msg", "sheet", "csv", "code", "json", "xml", "image", "notebook")
_SENTENCE = re.compile(r"(?:[^\W\d_]+,? ){5,}[^\W\d_]+[.!?](?:\s|$)")  # ends with six words, so no field or entry
_GLUED = re.compile(r"\s\d+(?:\.\d+)+")  # the number of another heading
_WORD = re.compile(rf"[^\W\d_]{{{_STEM},}}")
_SUBTITLE = re.compile(r"\s+[-–—|·]\s+|:\s+")  # between a title and what sites and papers add to it
_APPARATUS = re.compile(  # parts of a document that answer nothing
    r"(?:table of )?contents|index|references|bibliography|appendix.*|annex.*|attachments?.*|acknowledge?ments?|"
    r"list of (?:tables|figures)|foreword|preface|imprint|notes|summary|introduction|"
    r"inhalt(?:sverzeichnis|sübersicht)?|verzeichnis.*|literatur(?:verzeichnis)?|anhang.*|anlagen?.*|vorwort|impressum|"
    r"abbildungsverzeichnis|einleitung|zusammenfassung|"
    r"índice.*|contenidos?|tabla de contenidos?|referencias|bibliografía|anexos?.*|adjuntos?.*|prólogo|introducción|"
    r"resumen|"
    r"synopsis|description|options|arguments|parameters|commands|examples?|usage|files|environment|"
    r"exit (?:status|codes?)|rationale|conventions|general|bugs|authors?|copyright|licen[cs]e|history|see also|"
    r"requirements|purpose|specific options|(?:external )?links|citations|sources|further reading|next steps|"
    r"conclusions?|discussion|results|methods|background|overview|faq|"
    r"beispiele?|autoren|lizenz|quellen|siehe auch|weblinks|einzelnachweise|überblick|fazit|ergebnisse|"
    r"ejemplos?|autores|licencia|fuentes|véase también|enlaces externos|conclusiones|resultados|"
    r"(?:from|to|cc|subject|date|sent|von|an|betreff|datum|de|para|asunto|fecha) *:.*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class StarterQuestion:
    """Question with the document and the heading that it was made of."""

    text: str
    document: UUID
    heading: str  # as the path of a passage ends


async def suggest_questions(user: User, chosen: set[UUID]) -> list[str]:
    """Return up to three questions that the search answers from the section whose heading they are made of.

    `chosen` are collection ids; empty means all that the user may read. Takes `_TRIAL_S` at most and what the last
    search needs; what was not tried by then is left out.
    """
    found: list[str] = []
    until = time.monotonic() + _TRIAL_S
    for candidate in await in_db(list_candidates, user, chosen):
        if len(found) == MAX_QUESTIONS or time.monotonic() > until:
            break
        try:
            if await _finds_section(user, candidate, chosen):
                found.append(candidate.text)
        except EngineError:
            log.warning("Starter questions could not be tried")
            break
    return found


async def _finds_section(user: User, candidate: StarterQuestion, chosen: set[UUID]) -> bool:
    """Return whether the best passage for the question is of its section, as tried now or within the last hour."""
    scope = ".".join(sorted(map(str, chosen)))
    key = f"starter:{user.pk}:{hash_text(f'{scope} {candidate.document} {candidate.text}')}"
    known: bool | None = await cache.aget(key)
    if known is None:
        result = await search.search(user, candidate.text, collections=tuple(chosen))
        best = result.passages[0] if result.passages else None
        known = (
            best is not None
            and best.document_id == candidate.document
            and best.heading.split(SEPARATOR)[-1].strip() == candidate.heading
            and not is_toc_or_noise(best.text)
        )
        await cache.aset(key, known, _KEPT_S)
    return known


def list_candidates(user: User, chosen: set[UUID]) -> list[StarterQuestion]:
    """Return questions, the newest documents first and in turns. `chosen` as in `suggest_questions`. For `in_db`."""
    visible = Collection.objects.visible_to(user)
    searched = visible.filter(pk__in=chosen) if chosen else visible
    ready = {"status": Document.Status.READY, "withheld": ""}
    documents = Document.objects.filter(collection__in=searched.values("pk"), **ready).exclude(kind__in=_NO_SUBJECTS)
    made = map(_make_questions, documents.order_by("-created")[:_READ])
    found = list(islice(filter(None, made), _DOCUMENTS))
    rounds = [questions[turn] for turn in range(_CANDIDATES) for questions in found if turn < len(questions)]
    return rounds[:_CANDIDATES]


def _make_questions(document: Document) -> list[StarterQuestion]:
    """Return questions about the sections of a document, those first whose prose uses all words of the heading."""
    title = _SUBTITLE.split(str(document))[0]
    read = Chunk.objects.filter(document=document).exclude(heading="").exclude(text__contains=".....")
    prose: dict[str, str] = {}
    above: dict[str, str] = {}
    for path, text in read.order_by("position").values_list("heading", "text")[:_CHUNKS]:
        *parents, last = (part.strip() for part in path.split(SEPARATOR))
        prose[last] = f"{prose.get(last, '')} {text.removeprefix(last)}"
        above[last] = " ".join(parents)
    shares = {last: _rate(last, above[last], text) for last, text in prose.items() if _is_prose(text)}
    words = gettext("What does “%(title)s” say about “%(heading)s”?")
    found: dict[str, StarterQuestion] = {}
    for last in sorted(shares, key=lambda one: -shares[one]):
        heading = _NUMBERING.sub("", last, count=1)
        heading = heading.capitalize() if heading.isupper() and " " in heading else heading
        if not shares[last] or not _is_subject(heading):
            continue
        if heading.endswith("?"):
            found[heading] = StarterQuestion(heading, document.pk, last)
        elif not _repeats(heading, title) and max(len(heading), len(title)) <= _LONGEST:
            text = words % {"title": title, "heading": heading}
            found.setdefault(text, StarterQuestion(text, document.pk, last))
    return list(found.values())[:_CANDIDATES]


def _is_prose(text: str) -> bool:
    """Return whether the text below a heading is sentences, not fields of a form or entries of a list."""
    ends = _SENTENCE.findall(text)
    return len(text) >= _PROSE and (len(ends) >= 2 or sum(map(len, ends)) >= _SENTENCES * len(text))


def _rate(heading: str, above: str, text: str) -> float:
    """Return the share of the heading's words in the text, else `_ON_SUBJECT`, or 0 if it is about something else."""
    return _share_mentioned(heading, text) or (_ON_SUBJECT if _share_mentioned(above, text) == 1 else 0.0)


def _share_mentioned(heading: str, text: str) -> float:
    """Return the share of the heading's words that the text below it uses again, in whatever form."""
    words = _WORD.findall(heading.casefold())
    known = {word[:_STEM] for word in _WORD.findall(text.casefold())}
    return sum(word[:_STEM] in known for word in words) / len(words) if words else 0.0


def _is_subject(heading: str) -> bool:
    """Return whether the heading names something that a document answers, not its apparatus, a number or a ruler."""
    bare = heading.strip().strip("0123456789.§ ")
    letters = sum(sign.isalpha() or sign.isspace() for sign in heading)
    return (
        len(bare) >= _SHORTEST
        and letters >= _LETTERS * len(heading)
        and not is_toc_or_noise(heading)
        and not has_page_leader(heading)
        and not _GLUED.search(heading)
        and not _APPARATUS.fullmatch(bare)
        and "@" not in heading
    )


def _repeats(heading: str, title: str) -> bool:
    """Return whether one of the two says no more than the other."""
    one, other = heading.casefold(), title.casefold()
    return one in other or other in one
