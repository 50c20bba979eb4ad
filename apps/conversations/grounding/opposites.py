"""Words that say the contrary of each other: a passage in which prices rose does not support that they fell."""

from __future__ import annotations

from apps.conversations.grounding.lexicons import LEXICONS, iter_opposite_forms, merge_forms
from apps.lib.words import stem

OPPOSITE_STEMS = {  # code of the language -> stem -> stems of its contraries
    code: merge_forms((stem(form), frozenset(map(stem, others))) for form, others in iter_opposite_forms(lexicon))
    for code, lexicon in LEXICONS.items()
}
