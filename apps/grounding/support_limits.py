"""Limits of the check whether a passage supports a sentence: unit, meaning and, where measured, the figure.

Modules of this package import them as `limits`. All figures are of `./run bench trust --parts pills claims wice`;
`docs/develop/changing-a-constant.md` says which must hold after a change. Values without a figure were set by reason.
"""

from __future__ import annotations

# --- Agreement of facts (`agreement.py`): `perturbed_pass` and its kinds, `light_edit_pass`

# Share of the content words of a sentence that must stand in the source, 0 to 1.
MIN_COVERED = 0.5
# The same where the text is not English: there the model of consistency knows less. `light_edit_pass` by language.
MIN_COVERED_NOT_ENGLISH = 0.7
# Content words up to which a sentence is short: all of them must stand in the source.
FEW_CONTENT_WORDS = 4
# Share of the content words of each of two source sentences that a claim made of both repeats, 0 to 1.
# `perturbed_pass.recombined`.
MIN_SHARE_OF_EACH_SENTENCE = 0.4
# Share of the source's content words from which a sentence restates all of it, 0 to 1.
RESTATING_SHARE = 0.6
# Share of a source's content words from which a sentence has to keep each of its negations, 0 to 1.
# `perturbed_pass.negation_en`, `_de`, `_es`.
NEGATION_KEEPING_SHARE = 0.85
# Words in a row that count as repeated word for word.
MIN_REPEATED_WORDS = 4
# Letters that two German words share if one is a form or a compound of the other.
GERMAN_FAMILY_LETTERS = 5

# --- Wording of a restated sentence (`restatement.py`): `perturbed_pass.exchanged_names`, `.order`, `.hedge`

# Share of a claim's words that stand in the source, from which the claim restates it, 0 to 1.
RESTATED_WORD_SHARE = 0.6
# Content words of a claim of which each two are tried in each other's place.
MAX_EXCHANGED_WORDS = 30
# Words before and behind a hedge of which one of each side must be kept for the claim to speak of the same.
HEDGE_REACH = 2
# Pairs of words that are compared; a sentence and a passage have some 20,000.
MAX_COMPARED_WORD_PAIRS = 400_000

# --- Numbers (`number_relevance.py`): `perturbed_pass.number`

# Nearness of a number to the words of the question, as a share of the nearest number's, 0 to 1.
LEAST_NEARNESS = 2 / 3

# --- Meaning (`support_check.py`): `claims_auroc`, `wice_auroc`, `wice_false_pass`, `wice_true_pass`

# Score from which a premise supports a claim, 0 to 1; the packaged model is calibrated to it.
MIN_SUPPORT = 0.5
# Agreeing premises that the model reads for one claim; each takes some 10 ms of one core.
MAX_READ_PREMISES = 3
# Highest score of a premise that disagrees or is not read, 0 to 1; below MIN_SUPPORT.
MAX_DISAGREEING_SCORE = 0.4
# Share of a premise that a claim must repeat in a language that nothing else is known of, 0 to 1.
MIN_REPEATED_SHARE = 0.8

# --- Choice of sources (`citer.py`): `verbatim_pass`, `light_edit_pass`, `claims_true_pass`, `claims_false_pass`

# Windows of passages that the check sees for one sentence.
MAX_CHECKED_WINDOWS = 8
# Sources of one sentence.
MAX_SOURCES = 3
# Highest score of a sentence that has no source, 0 to 1; below MIN_SUPPORT.
MAX_UNSUPPORTED_SCORE = 0.49
# Score added to a source that the model's own mark names.
MARK_BONUS = 0.02
# Score below the best source's up to which a further source is shown.
FURTHER_SOURCE_MARGIN = 0.15
# Content words of an answer that leaves out what was asked ("It is 26 weeks.").
SHORT_ANSWER_WORDS = 4
# A window is about the question from this share of the best window's words of it, and of all its words, 0 to 1.
# `perturbed_pass.other_question`.
ABOUT_SHARE_OF_BEST, MIN_ABOUT_SHARE = 0.8, 0.5
# Content words of a part of a sentence that states something.
MIN_CLAUSE_WORDS = 3
# Content words from which a sentence that begins like small talk may yet state something.
MIN_CLAIM_WORDS = 4

# --- Comparison with the question (`answer_relevance.py`): `perturbed_pass.other_question`, `verbatim_pass`

# Nearness to the question, cosine and words together, that a sentence may lie below the best one.
NEARNESS_MARGIN = 0.2
# The same in a language that the embedder does not know.
UNREAD_NEARNESS_MARGIN = 0.15
# Weight of the share of the question's words, beside 1 for the cosine.
QUESTION_WORDS_WEIGHT = 0.5
# Sentences of the passages that are embedded, the best by words.
MAX_COMPARED_SENTENCES = 8

# --- Models below the reading check (`quoted_support.py`): `quoted.NAME` of each figure, `trial.wrong_with_pill`

# Share of a quote's words that may be other ones than the source's, 0 to 1.
MAX_CHANGED_SHARE = 0.15
# Words of a quote, and words in a row of which it is made.
MIN_QUOTE_WORDS, MIN_RUN_WORDS = 4, 2
# Content words that a short answer says beside those of the question.
MAX_SHORT_ANSWER_OWN_WORDS = 4
# Share of the question's weight that the sentence with a short answer holds, 0 to 1.
MIN_ASKED_SHARE = 0.6

# --- Judges (`judged_support.py`): `standin.claims_true_pass`, `standin.claims_false_pass`

# Words of a source that a judge has to name for one place.
MIN_EVIDENCE_WORDS = 2
# Places of one sentence. Of 2,491 true sentences the vetoes keep .706 at two places, .716 at three, .718 at six.
MAX_PLACES = 3
# Share of a sentence's weighted content words that the places must add to count, where a judge names none, 0 to 1.
MIN_PLACE_SHARE = 0.1

# --- Nearest passage of a sentence that is not verified (`nearest_passage.py`)

# Share of the sentence's weighted content words that it must hold, 0 to 1, and how many of them at least.
MIN_NEAR_SHARE, MIN_NEAR_WORDS = 0.4, 2
