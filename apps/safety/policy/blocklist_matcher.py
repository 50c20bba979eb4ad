"""Compile, validate and match blocklists: words, names or google-re2 patterns, each for a clause, optionally with an
end.

Blocklists belong to the policy (`Policy.blocklists`): its hash covers them, and changes are drafted, backtested and
approved like any other. Matching takes time linear in the text for any pattern; all entries are first searched
together. Hits are not counted here (`detectors/blocklists.py`).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import re2
from django.utils import timezone
from django.utils.translation import gettext

from apps.safety.policy.benign_sentences import BENIGN_SENTENCES
from apps.safety.policy.evaluation import BLOCKLIST_DETECTOR, Signal, SignalStatus
from apps.safety.policy.schema import NAMES, PATTERNS, Blocklist, Policy, PolicyError, Stage
from apps.safety.text.normalization import fold_for_detection, map_spans_to_source, strip_accents

if TYPE_CHECKING:
    from datetime import date

ENTRIES, ALL, CHARACTERS = 1000, 5000, 300  # entries of a list; entries of all lists; characters of an entry
MAX_BENIGN_MATCHES = 5  # an entry is too broad if it matches more than one in 5 everyday sentences
MAX_COST_MS = 1.0  # per sentence, for all lists together
_ONE_BYTES, _MANY_BYTES = 1 << 20, 256 << 20  # bytes that RE2 may use for one entry, and for a group of them
_TOGETHER = 250  # entries per search; RE2 refuses a program of many more

_NAME = re.compile(r"\w+")

_lock = threading.Lock()
_ready: dict[str, BlocklistMatcher] = {}


@dataclass(frozen=True, slots=True)
class BlocklistMatch:
    """Match of one blocklist entry in a text."""

    key: str
    entry: str
    spans: tuple[tuple[int, int], ...] = ()  # (start, end) in the text; () if unknown


class BlocklistMatcher:
    """Compiled blocklists. Thread-safe."""

    def __init__(self, blocklists: Iterable[Blocklist]) -> None:
        rows = [(blocklist, entry) for blocklist in blocklists for entry in blocklist.entries]
        self._entries = [(blocklist, entry, compile_entry(blocklist.kind, entry)) for blocklist, entry in rows]
        self._named = any(blocklist.kind == NAMES for blocklist, _ in rows)
        patterns = [f"(?:{entry_pattern(blocklist.kind, entry)})" for blocklist, entry in rows]
        groups = (patterns[start : start + _TOGETHER] for start in range(0, len(patterns), _TOGETHER))
        self._any = [_compile("|".join(group), _MANY_BYTES) for group in groups]

    def find_matches(
        self, text: str, since: int = 0, today: date | None = None, stage: Stage | None = None
    ) -> list[BlocklistMatch]:
        """Return the matches that end beyond `since`, at most one per list.

        `text` is normalised. Expired lists never match; with `stage`, only lists for that stage do.
        """
        folds: list[Callable[[str], str]] = [fold_for_detection, str, *([strip_accents] if self._named else [])]
        folded = [(fold, fold(text)) for fold in folds]
        first = next((at for at, group in enumerate(self._any) if any(group.search(view) for _, view in folded)), None)
        if first is None:
            return []
        views = [(fold, folded_text, len(fold(text[:since]))) for fold, folded_text in folded]
        today, matches = today or timezone.now().date(), {}
        for blocklist, entry, pattern in self._entries[first * _TOGETHER :]:
            applies = stage is None or stage in blocklist.stages
            if blocklist.key in matches or blocklist.has_expired(today) or not applies:
                continue
            for fold, folded_text, folded_since in views[2:] if blocklist.kind == NAMES else views[:2]:
                if spans := _spans_beyond(blocklist.kind, pattern, folded_text, folded_since):
                    sources = tuple(map_spans_to_source(text, spans, fold))
                    matches[blocklist.key] = BlocklistMatch(blocklist.key, entry, sources)
                    break
        return list(matches.values())


def match_blocklists(policy: Policy, stage: Stage, text: str, since: int = 0) -> list[Signal]:
    """Return one signal per blocklist of the policy that matches beyond `since`; `[]` if the policy has no lists."""
    if not policy.blocklists:
        return []
    matches = get_matcher(policy).find_matches(text, since, stage=stage)
    return [
        Signal(BLOCKLIST_DETECTOR, policy.sha256[:12], SignalStatus.OK, {}, match.key, spans=match.spans)
        for match in matches
    ]


def get_matcher(policy: Policy) -> BlocklistMatcher:
    """Return the matcher of the policy's blocklists, cached by the hash of the policy. Thread-safe."""
    matcher = _ready.get(policy.sha256)
    if matcher is None:
        with _lock:
            matcher = BlocklistMatcher(policy.blocklists.values())
            if len(_ready) > 4:
                _ready.clear()
            _ready[policy.sha256] = matcher
    return matcher


def validate_blocklists(lists: Iterable[Blocklist]) -> None:
    """Raise PolicyError with a message for users if an entry is invalid, matches nearly everything, or costs too much
    time."""
    blocklists = list(lists)
    if sum(len(blocklist.entries) for blocklist in blocklists) > ALL:
        raise PolicyError(gettext("All blocklists together can have at most %(most)s entries.") % {"most": ALL})
    for blocklist in blocklists:
        if len(blocklist.entries) > ENTRIES:
            raise PolicyError(gettext("A blocklist can have at most %(most)s entries.") % {"most": ENTRIES})
        for entry in blocklist.entries:
            _validate_entry(blocklist, entry)
    if blocklists and (ms := measure_cost_ms(BlocklistMatcher(blocklists))) > MAX_COST_MS:
        message = gettext(
            "The blocklists would take %(ms)s ms for each sentence; at most %(most)s ms are allowed. "
            "Simplify the entries."
        )
        raise PolicyError(message % {"ms": f"{ms:.1f}", "most": f"{MAX_COST_MS:.0f}"})


def measure_cost_ms(matcher: BlocklistMatcher, sentences: Sequence[str] = BENIGN_SENTENCES) -> float:
    """Return the processor time of one sentence in milliseconds: the mean over `sentences`, best of three rounds."""
    best = float("inf")
    for _ in range(3):
        began = time.thread_time()
        for sentence in sentences:
            matcher.find_matches(sentence)
        best = min(best, (time.thread_time() - began) / len(sentences) * 1000)
    return best


@lru_cache(maxsize=20_000)
def compile_entry(kind: str, entry: str) -> Any:
    """Return the compiled RE2 pattern of an entry, cached. Raise PolicyError with a message for users."""
    if len(entry) > CHARACTERS:
        raise PolicyError(gettext("“%(entry)s …” is longer than %(most)s characters.")
                          % {"entry": entry[:40], "most": CHARACTERS})  # fmt: skip
    return _compile(entry_pattern(kind, entry), _ONE_BYTES, entry)


def entry_pattern(kind: str, entry: str) -> str:
    """Return the RE2 pattern of an entry of that kind.

    A word or phrase matches only whole, with any space between its words. A name also matches with any punctuation
    between its words, and without accents.
    """
    if kind == PATTERNS:
        return entry
    if kind == NAMES:
        inner = r"[^\pL\pN_]+".join(re2.escape(part) for part in _NAME.findall(strip_accents(entry)))
        return rf"(?:^|[^\pL\pN_])({inner or '$.'})(?:[^\pL\pN_]|$)"
    inner = r"\s+".join(re2.escape(part) for part in fold_for_detection(entry).split())
    if entry.isascii() and entry[:1].isalnum() and entry[-1:].isalnum():
        return rf"\b({inner})\b"
    return rf"(?:^|[^\pL\pN_])({inner})(?:[^\pL\pN_]|$)"


def _validate_entry(blocklist: Blocklist, entry: str) -> None:
    pattern, values = compile_entry(blocklist.kind, entry), {"entry": entry[:80]}
    if pattern.search(""):
        raise PolicyError(gettext("“%(entry)s” matches an empty text, so it would match everything.") % values)
    fold = strip_accents if blocklist.kind == NAMES else fold_for_detection
    hits = sum(1 for sentence in BENIGN_SENTENCES if pattern.search(fold(sentence)))
    if hits * MAX_BENIGN_MATCHES > len(BENIGN_SENTENCES):
        message = gettext("“%(entry)s” is too broad: it matches %(hits)s of %(all)s everyday sentences.")
        raise PolicyError(message % {**values, "hits": hits, "all": len(BENIGN_SENTENCES)})


def _compile(pattern: str, memory: int, entry: str = "") -> Any:
    options = re2.Options()
    options.max_mem, options.log_errors, options.case_sensitive = memory, False, False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = str(error.args[0].decode() if isinstance(error.args[0], bytes) else error)
        too_large = "too large" in reason or "repetition size" in reason
        message = (
            gettext("“%(entry)s” has too many repetitions and would be slow. Use a simpler pattern.")
            if too_large
            else gettext("“%(entry)s” is not a valid pattern: %(reason)s.")
        )
        raise PolicyError(message % {"entry": entry[:80], "reason": reason.rstrip(".")}) from error


def _spans_beyond(kind: str, pattern: Any, text: str, since: int) -> list[tuple[int, int]]:
    group = 0 if kind == PATTERNS else 1
    return [match.span(group) for match in pattern.finditer(text) if match.end(group) > since]
