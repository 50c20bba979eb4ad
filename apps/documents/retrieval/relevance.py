"""Probability that a passage has to do with a question, calibrated, and the threshold below which it is not shown.

A logistic function of three numbers that the search has at hand anyway: the cosine of the two vectors, and the share of
the question's weight (rare words more) that stands in the passage, with and without its title and headings. The
constants come from `./run train relevance`, which fits them to questions with and without an answer in a
collection (CLAP NQ, PubMedQA, and each asked of the other's texts), positives and negatives of equal weight. Cosine
alone tells answerable from unanswerable questions with an area under ROC of 0.84, this with 0.86 to 0.87; further
features (BM25, the best sentence's share, the margin to the next passage) added nothing that also held in small
collections.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from apps.documents.settings import RELEVANCE_THRESHOLD

BIAS, COSINE, COVERED, COVERED_IN_TEXT = -7.65, 11.44, 1.96, 1.52

# Added to the cosine of a question and a passage in different languages, where the embedder reads both: they share no
# words, and multilingual-e5-small rates them lower. Of 60 held-out German and 60 Spanish questions of XQuAD over its
# English texts .05 and .10 find nothing (.18 and .32 without it), and over unrelated English texts .75 and .60, as
# without it. It was chosen on 120 others; .3 found far more where nothing is there.
CROSS_LANGUAGE_COSINE = 0.2
WORD_MATCH_COVERAGE = 0.5  # word coverage from which the best passage is shown although it reaches no floor
# A passage less likely than this share of the best one only distracts. A quarter, and RELEVANCE_THRESHOLD for each
# passage, lost the right one for 19 % of XQuAD's questions in German over texts in three languages (8 % so), for 13 %
# in Spanish (7 %).
SHARE_OF_BEST = 0.1


def compute_coverage(idf: Mapping[str, float], words: AbstractSet[str]) -> float:
    """Return the share of the question's weight, rare words more, that stands in a passage."""
    whole = sum(idf.values())
    return sum(weight for term, weight in idf.items() if term in words) / whole if whole else 0.0


def adjust_cosine(cosine: float, question_language: str, text_language: str) -> float:
    """Return the cosine as between texts of one language. A language of "" is unknown: the cosine stays."""
    crossed = question_language and text_language and question_language != text_language
    return cosine + CROSS_LANGUAGE_COSINE if crossed else cosine


def estimate_relevance(cosine: float, covered: float, covered_in_text: float) -> float:
    """Return how likely, 0 to 1, a passage answers a question. `covered` counts its title and headings too."""
    weight = BIAS + COSINE * cosine + COVERED * covered + COVERED_IN_TEXT * covered_in_text
    return 1 / (1 + math.exp(-weight))


def compute_word_coverage(idf: Mapping[str, float], words: AbstractSet[str], unknown: float) -> float:
    """Return the share of the question's weight that stands in a passage, of the words that stand anywhere: `unknown`
    is the weight of a word that stands nowhere. 0 where the rarest of them is not among them."""
    indexed = {term: weight for term, weight in idf.items() if weight < unknown - 1e-6}
    rarest = max(indexed.values(), default=0.0)
    if not any(weight == rarest and term in words for term, weight in indexed.items()):
        return 0.0
    return compute_coverage(indexed, words)


def compute_threshold(best: float, minimum: float = RELEVANCE_THRESHOLD) -> float:
    """Return the relevance, 0 to 1, that a passage needs. None is used where the best one has less than `minimum`; a
    `minimum` above RELEVANCE_THRESHOLD, which an owner has set, holds for each passage."""
    return SHARE_OF_BEST * best if RELEVANCE_THRESHOLD >= minimum <= best else max(minimum, SHARE_OF_BEST * best)
