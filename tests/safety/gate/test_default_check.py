"""Rules and classifiers under the policy: what a score means, and that a missing one is no verdict."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from apps.engines import registry
from apps.engines.types import EngineBroken, LabelThresholds
from apps.safety.gate.default_check import decide_verdict, score_text
from apps.safety.gate.gate import check_passage, check_passages, check_question, check_sentence, find_suspect_sentences
from apps.safety.policy import defaults, schema
from apps.safety.policy.schema import Stage
from apps.safety.policy.verdicts import ALLOWED, SuspectSentences, Verdict

LABELS = ("hate", "self_harm", "sexual", "prompt_attack", "harm")
POLICY = schema.parse_policy(defaults.make_default_policy({label: LabelThresholds(0.5, 0.9) for label in LABELS}))


@pytest.mark.parametrize(
    ("stage", "scores", "allowed", "rule"),
    [
        ("question", {"hate": 0.2}, True, ""),
        ("question", {"hate": 0.6}, True, "hate"),
        ("question", {"hate": 0.95}, False, "hate"),
        ("question", {"sexual": 0.99}, True, "sexual"),
        ("answer", {"sexual": 0.99}, False, "sexual"),
        ("question", {"hate": 0.99, "self_harm": 0.91}, False, "self_harm"),
        ("question", {"harm": 0.99}, True, ""),
        ("passage", {"hate": 0.99, "prompt_attack": 0.4}, True, ""),
        ("passage", {"prompt_attack": 0.6}, False, "prompt_attack"),
    ],
)
def test_scores_decide_the_verdict_by_the_policy(
    stage: str, scores: dict[str, float], allowed: bool, rule: str
) -> None:
    verdict = decide_verdict(Stage(stage), "text", ALLOWED, dict.fromkeys(LABELS, 0.0) | scores, POLICY)
    assert (verdict.allowed, verdict.code) == (allowed, rule)


@pytest.mark.parametrize(
    ("stage", "code", "score", "action"),
    [
        ("question", "child_exploitation", 0.89, "review"),
        ("question", "child_exploitation", 0.9, "withhold_and_review"),
        ("answer", "child_exploitation", 0.95, "note"),
        ("question", "violence", 0.95, "note"),
    ],
)
def test_a_question_under_the_gravest_clause_waits_for_people_from_nine_tenths_on(
    stage: str, code: str, score: float, action: str
) -> None:
    # As the packaged weights have them.
    cuts = {"child_exploitation": LabelThresholds(0.747, 0.983), "violence": LabelThresholds(0.836, 0.983)}
    ours = schema.parse_policy(defaults.make_default_policy(cuts))
    verdict = decide_verdict(Stage(stage), "text", ALLOWED, dict.fromkeys(cuts, 0.0) | {code: score}, ours)
    assert verdict.evaluation is not None
    assert (verdict.allowed, verdict.evaluation.result.action) == (action in ("note", "review"), action)


def test_rule_verdict_is_not_lifted_by_a_low_score() -> None:
    verdict = decide_verdict(Stage.QUESTION, "text", Verdict(False, "weapons", "No."), {"hate": 0.0}, POLICY)
    assert (verdict.allowed, verdict.code) == (False, "weapons")


def test_a_passage_that_a_rule_marks_is_looked_at_and_stays() -> None:
    verdict = decide_verdict(Stage.PASSAGE, "text", Verdict(False, "prompt_attack", ""), None, POLICY)
    assert verdict.evaluation is not None
    assert (verdict.allowed, verdict.evaluation.result.action) == (False, "review")


async def test_question_answer_and_passage_pass_the_classifiers() -> None:
    assert not (await check_question("Tell me about [hate] please")).allowed
    assert not (await check_sentence("This is [violence] for sure.")).allowed
    assert (await check_question("Tell me about [hate?] please")).code == "hate"
    assert check_passage("Do this now [prompt_attack]").code == "prompt_attack"


def test_an_instruction_planted_in_a_passage_is_seen_by_its_sentence() -> None:
    text = "The boiler is serviced in spring.\nDo as I say [planted]\nThe office is open until five."
    verdict = check_passage(text)
    assert (verdict.allowed, verdict.code) == (False, "prompt_attack")
    assert verdict.evaluation is not None
    signal = next(signal for signal in verdict.evaluation.signals if signal.detector == "planted")
    assert signal.scores["prompt_attack"] > 0.9
    texts = ["Nothing here.", text, "Nor here."]
    verdicts = check_passages(texts, registry.get_embedder().embed_passages(texts))
    assert [each.allowed for each in verdicts] == [True, False, True]


def test_spans_embedded_along_are_judged_alike_and_not_embedded_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = ["Nothing here.", "It rained.\nDo as I say [planted]\nIt was nine.", "Do as I say [planted]"]
    embed = registry.get_embedder()
    vectors, before = embed.embed_passages(texts), check_passages(texts, embed.embed_passages(texts))
    rows = find_suspect_sentences(texts)
    assert rows == [[], ["Do as I say [planted]"], ["Do as I say [planted]"]]
    starts = [[text.find(each) for each in row] for text, row in zip(texts, rows, strict=True)]
    spans = [embed.token_spans(text, [(at, at + 21) for at in own]) for text, own in zip(texts, starts, strict=True)]
    read = [embed.tokenised(text) for text in texts]
    suspects = SuspectSentences(rows, embed.embed_with_spans(read, spans, registry.get_injection_detector().layers)[1])

    def again(*_: object) -> object:
        raise AssertionError("it was there")

    monkeypatch.setattr(embed, "states", again)
    monkeypatch.setattr(type(registry.get_injection_detector()), "find_suspects", again)
    assert check_passages(texts, vectors, suspects) == before
    assert [verdict.code for verdict in before] == ["", "prompt_attack", "prompt_attack"]


@pytest.mark.django_db
def test_a_passage_is_unchecked_where_nobody_looked_for_planted_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> object:
        raise EngineBroken("away")

    monkeypatch.setattr(type(registry.get_injection_detector()), "find_suspects", broken)
    assert check_passage("It is nine.").code == "unchecked"
    assert find_suspect_sentences(["It is nine."]) is None


async def test_the_end_of_a_long_question_counts_as_much_as_its_head() -> None:
    text = "An ordinary sentence about the garden. " * 120
    assert (await check_question(text)).allowed
    assert not (await check_question(f"{text} [crime]")).allowed


async def test_a_vector_that_is_being_made_anyway_is_used() -> None:
    text = "What about [crime] here?"
    made = asyncio.ensure_future(asyncio.to_thread(registry.get_embedder().embed_query, text))
    assert (await check_question(text, made)).code == "crime"


async def test_waiting_sentences_are_scored_together_and_get_their_own_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"Sentence {n} of many, it is [{'hate' if n % 3 else 'nothing'}]." for n in range(40)]
    alone = [score_text(text) for text in texts]
    reads = _counted(monkeypatch)
    given_up = asyncio.create_task(check_sentence("Nobody waits for this one any more."))
    together = asyncio.gather(*(check_sentence(text) for text in texts))
    await asyncio.sleep(0)
    given_up.cancel()
    assert [verdict.allowed for verdict in await together] == [score["hate"] < 0.9 for score in alone]
    assert len(reads) <= 5
    assert (await check_sentence("And then one more [hate].")).code == "hate"


async def test_a_batch_that_fails_lets_none_of_its_texts_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> object:
        raise ValueError("no numbers")

    with monkeypatch.context() as patched:
        patched.setattr(type(registry.get_text_classifier()), "scores", broken)
        verdicts = await asyncio.gather(*(check_sentence(f"Sentence {n} of several.") for n in range(40)))
    assert {verdict.code for verdict in verdicts} == {"check_unavailable"}
    assert (await check_sentence("It can be judged again.")).allowed


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many texts each reading of the classifiers took."""
    reads: list[int] = []
    engine = type(registry.get_text_classifier())
    plain = engine.scores

    def scores(self: Any, texts: Any, vectors: Any) -> Any:
        reads.append(len(texts))
        return plain(self, texts, vectors)

    monkeypatch.setattr(engine, "scores", scores)
    return reads


async def test_texts_are_not_let_through_without_classifiers(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> object:
        raise EngineBroken("away")

    monkeypatch.setattr(type(registry.get_text_classifier()), "scores", broken)
    assert (await check_question("What is the time?")).code == "check_unavailable"
    assert (await check_sentence("It is a quarter past nine.")).code == "check_unavailable"
    assert check_passage("It is nine.").code == "unchecked"
    vectors = registry.get_embedder().embed_passages(["It is nine."])
    assert [verdict.code for verdict in check_passages(["It is nine."], vectors)] == ["unchecked"]
