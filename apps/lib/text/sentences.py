"""Sentence boundaries of plain and Markdown text. Entry points: `find_sentences` and `count_stable`.

One pass over lines finds units that end a sentence by their form: paragraph, heading, list item, table row, code block.
One regular expression finds full stops inside running text. Appended text never moves an earlier boundary further than
the next word, so an answer may be split while it is streamed. Index, context selection, quotes, citations and the
moderation gate all use these spans.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]

# Quantifiers are possessive where a run could be split in several ways: hostile repetition stays linear.
_LINE = re.compile(r"[^\n]*+\n|[^\n]++")
_FENCE = re.compile(r"[ \t]*+(?:>[ \t]?)*+[ \t]*+(`{3,}+|~{3,}+)")
_ATOM = re.compile(  # headings, table rows, rules and underlines of headings: a line that is a unit of its own
    r"[ ]{0,3}(?:#{1,6}(?:\s|$)|\|)|[ \t]*+(?:[-=*_|:+][ \t]*+){3,}+$"
)
BULLETS = "•·▪◦‣∙●○■▶►➢➤–"  # of list items, beside the signs of Markdown; □ and ✓ say something themselves
_LABEL = rf"[{BULLETS}—*+-]|\(?(?:\d{{1,3}}|[a-zA-Z]|[ivx]{{1,4}})[.)]"
_ITEM = re.compile(rf"[ \t]*+(?:>[ \t]?)*+[ \t]*+(?:{_LABEL})(?:\s|$)")
_QUOTE = re.compile(r"[ \t]*+>")

CITATION_MARK = r"(?:[ \t]?(?:\[\d{1,3}(?:[ \t]?[,;–-][ \t]?\d{1,3})*+\]|【\d{1,3}[^】\n]{0,20}】))"
_PAGES = r"(?::\d{1,4}(?:[,–-][ ]?\d{1,4})*+)?"  # ":121,154" after a stop, as encyclopedias print pages
_CLOSERS = r"[\"'”’»›）」』)\]}*_~`]*+"
_STOP = re.compile(  # the first of a run; begins with a character set, so that other characters are skipped at once
    r"[.!?…؟۔।。！？｡]"
    rf"(?:(?<=[.!?…؟۔।])(?<![.!?…؟۔।].)[.!?…؟۔।]*+{_CLOSERS}{CITATION_MARK}*+{_PAGES}(?=\s)"
    rf"|(?<=[。！？｡])(?<![。！？｡].)[。！？｡]*+{_CLOSERS}{CITATION_MARK}*+)"
)
_MARKS = r"\s*+(?:>[ \t]?)*+[\"'“‘«‹„「『(\[{*_~`$¿¡]*+"  # before the first letter of the next sentence
_NEXT = re.compile(rf"{_MARKS}([^\s]?)")
_FOLLOWED = re.compile(rf"{_MARKS}\S|[ \t]*+\n[ \t]*+\n")
_WORD_BEFORE = re.compile(r"[\w.&-]{1,24}$")
_NEXT_WORD = re.compile(r"\s*+[\"'“‘«(\[*_]*+([\w'’]{1,24})")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Abbreviations that never end a sentence.
_OPEN = _set(
    "dr mr mrs ms mx prof st mt gen col lt sgt capt cmdr adm maj rev hon pres gov sen rep messrs mme mlle mgr e.g "
    "i.e eg ie cf viz vs v fig figs eq eqs eqn vol vols pp p par para sec sect ch chap art approx ca circa resp "
    "incl excl ed eds trans tel ext z.b d.h bzw vgl sog u.a ggf evtl inkl hr fr str nr abs abb sr.a sra dra lic"
)
# Abbreviations that end a sentence only before a word that begins sentences.
_EITHER = _set(
    "inc ltd co corp llc bros jr sr al dept univ est min max avg jan feb mar apr jun jul aug sep sept oct nov dec "
    "mon tue tues wed thu thur thurs fri sat sun ave blvd rd ft in oz lb lbs no nos op bd usw etc a.m p.m am pm "
    "u.s u.k u.n e.u b.c a.d ph.d m.d d.c bc ad tab"
)
# Abbreviations that end a sentence before any upper-case word.
_ENDING = _set("etc usw inc ltd llc corp a.m p.m jr")
_STARTERS = _set(
    "the a an this that these those it its he she his her they their we our you your i in on at by for from as if "
    "when while after before during since until because although though however but and or so then there here "
    "what why how who where which not no yes both each every some many most all other another one two three first "
    "second finally also with without under over between despite according such today now later der die das ein "
    "eine es er sie wir im am el la los las un una en se"
)
_FUNCTION_WORDS = _set(
    "the a an of in on at by for from to with and or but nor as than that which who whose is are was were be been "
    "has have had its their his her our your my this these those into onto over under between about after before "
    "during when while if because"
)
_HEADING_CHARS = 60  # a first line up to this length without a stop may be an unmarked heading
_SHORT_LINE = 0.6  # of the longest line before it: a shorter line ended its paragraph


def find_sentences(text: str) -> list[Span]:
    """Return the sentences as [start, end) spans, in order, disjoint and not empty. Together they cover everything but
    white space."""
    found: list[Span] = []
    for start, end, running in _units(text):
        pieces = _split(text, start, end) if running else [(start, end)]
        for left, right in pieces:
            trimmed = _trim(text, left, right)
            if trimmed:
                found.append(trimmed)
    return found


def count_stable(text: str, found: list[Span]) -> int:
    """Return the number of spans in `found = find_sentences(text)` that stay the same whatever is appended to
    `text`."""
    cut = max(text.rfind(" "), text.rfind("\n"))
    line = text.rfind("\n")
    if not any(char.isalnum() for char in text[line + 1 : cut + 1]):
        cut = line  # a line that holds only marks so far may become anything
    done = sum(1 for _, end in found if end <= cut)
    # The end of the last one is certain only after a whole word or an empty line; that of an open code block after a
    # word.
    while done and not _follows(text, *found[done - 1], cut + 1):
        done -= 1
    return done


def _follows(text: str, start: int, end: int, until: int) -> bool:
    following = _FOLLOWED.match(text, end, until)
    return following is not None and (not following.group().isspace() or not _FENCE.match(text, start, end))


def _trim(text: str, start: int, end: int) -> Span | None:
    piece = text[start:end]
    kept = piece.strip()
    if not kept:
        return None
    start += len(piece) - len(piece.lstrip())
    return start, start + len(kept)


def _units(text: str) -> Iterator[tuple[int, int, bool]]:
    """Yield (start, end, running): paragraphs and list items are running text, every other unit is one sentence."""
    start = -1  # start of the open running text; -1 for none
    longest = fence_at = 0
    fence = ""
    last = ""
    for match in _LINE.finditer(text):
        at, line = match.start(), match.group()
        opened = _FENCE.match(line)
        if fence:
            if opened and opened[1].startswith(fence) and not line.strip(" \t\n>`~"):
                yield fence_at, match.end(), False
                fence = ""
            continue
        if opened or not line.strip() or _ATOM.match(line):
            if start >= 0:
                yield start, at, True
            start, longest = -1, 0
            if opened:
                fence, fence_at = opened[1], at
            else:
                yield at, match.end(), False
            continue
        if start < 0 or _ITEM.match(line) or _ended(last, line, longest):
            if start >= 0:
                yield start, at, True
            start, longest = at, 0
        last, longest = line, max(longest, len(line))
    if fence or start >= 0:
        yield (fence_at if fence else start), len(text), not fence


def _ended(last: str, line: str, longest: int) -> bool:
    """Return whether `last` ended its sentence by its form: an unmarked heading, or the short last line of a
    paragraph."""
    first = _NEXT.match(line)
    if not first or not (first[1].isupper() or first[1].isdigit()) or _QUOTE.match(line):
        return False
    shown = last.strip()
    if shown[-1] in ".!?…:;,-–—(&/" or shown.split()[-1].casefold() in _FUNCTION_WORDS:
        return False
    if len(last) < longest * _SHORT_LINE:
        return True
    return len(last) == longest and len(shown) <= _HEADING_CHARS and shown[0].isupper() and len(shown.split()) <= 8


def _split(text: str, start: int, end: int) -> Iterator[Span]:
    item = _ITEM.match(text, start, end)
    search_from = item.end() if item else start
    for match in _STOP.finditer(text, search_from, end):
        if _is_end(text, start, match, end):
            yield start, match.end()
            start = match.end()
    yield start, end


def _is_end(text: str, start: int, match: re.Match[str], end: int) -> bool:
    stop = match.group()
    following = _NEXT.match(text, match.end(), end)
    first = following[1] if following else ""
    if stop[0] in "。！？｡":
        return True
    if not first:
        return True
    if first.islower() or first in ",;:)]}%":
        return False
    if stop[0] != "." or stop[:2] == "..":
        return True
    return _full_stop(text, start, match.start(), match.end(), end)


def _full_stop(text: str, start: int, dot: int, after: int, end: int) -> bool:
    """Return whether the single dot at `dot` ends a sentence, and not an abbreviation or initials."""
    before = _WORD_BEFORE.search(text, max(start, dot - 24), dot)
    if not before:
        return True
    word = before.group().casefold().strip("-&")
    if word in _OPEN:
        return False
    initial = len(word) == 1 and word.isalpha()
    dotted = "." in word and all(len(part) <= 2 for part in word.split(".")) and word[0].isalpha()
    if word not in _EITHER and not initial and not dotted:
        return True
    following = _NEXT_WORD.match(text, after, end)
    if not following:
        return True
    next_word = following[1]
    if word in _ENDING:
        return next_word[0].isupper()
    if (
        word in {"no", "in", "am", "ad", "max", "min", "sun", "sat", "mar", "est", "co", "op"}
        and not next_word[0].isdigit()
    ):
        return True
    return next_word.casefold() in _STARTERS
