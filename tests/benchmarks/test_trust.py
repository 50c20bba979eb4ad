"""The bench of trust on a tiny set: figures of a check that passes everything and of one that passes nothing."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from apps.grounding.citer import SentenceCitation
from apps.grounding.passage import Passage
from benchmarks import __main__ as benchmarks
from benchmarks.trust import pills
from benchmarks.trust.cases import read_cases
from benchmarks.trust.claims import PERTURBED, TRUE, build_claims

SQUAD = {
    "en": (
        "The old bridge (a work of Adam Reed) was built in 1732 by workers from Norwich. Some visitors can cross the "
        "river with 12 boats in summer. The large market was opened in 1815 by traders from Ipswich. The keeper must "
        "not close the northern gate before the 3 bells have been rung. The ferry usually takes 40 minutes from "
        "Norwich to Ipswich for $5, and 90 minutes in winter.",
        ("When was the old bridge built?", "1732"), ("Who opened the large market?", "traders from Ipswich"),
        ("How many boats are there?", "12 boats"), ("What must ring first?", "3 bells"),
        ("How long does the ferry take?", "40 minutes"),
    ),
    "de": (
        "Die alte Brücke wurde im Jahr 1732 von Arbeitern aus Norwich gebaut. Einige Besucher können den Fluss mit 12 "
        "Booten überqueren. Der große Markt wurde im Jahr 1815 von Händlern aus Ipswich eröffnet. Der Wärter darf das "
        "Tor nicht vor den 3 Glocken schließen.",
        ("Wann wurde die Brücke gebaut?", "1732"), ("Wer eröffnete den Markt?", "Händlern aus Ipswich"),
        ("Wie viele Boote gibt es?", "12"), ("Was muss zuerst läuten?", "3 Glocken"),
    ),
    "es": (
        "El antiguo puente fue construido en 1732 por obreros de Norwich. Algunos visitantes pueden cruzar el río "
        "en 12 barcas. El gran mercado fue abierto en 1815 por comerciantes de Ipswich. El guarda no debe cerrar la "
        "puerta antes de las 3 campanas.",
        ("¿Cuándo fue construido el puente?", "1732"), ("¿Quién abrió el mercado?", "comerciantes de Ipswich"),
        ("¿Cuántas barcas hay?", "12"), ("¿Qué debe sonar primero?", "3 campanas"),
    ),
}  # fmt: skip
FURTHER = "The first train reached Colchester in 1843 with Robert Hill and a mayor from Harwich on board."
WICE = [
    {"label": "supported", "claim": "The bridge was built in 1732.", "evidence": ["The bridge was built in 1732."]},
    {"label": "not_supported", "claim": "The bridge fell in 1800.", "evidence": ["The bridge was built in 1732."]},
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    for name in ("xquad", "wice"):
        (folder / name).mkdir(parents=True)
    for language, (context, *questions) in SQUAD.items():
        asked = [
            {"id": str(n), "question": text, "answers": [{"text": gold, "answer_start": context.index(gold)}]}
            for n, (text, gold) in enumerate(questions)
        ]
        paragraphs = [{"context": context, "qas": asked}]
        articles = [{"title": "Bridge", "paragraphs": paragraphs}]
        further = {
            "id": "9",
            "question": "Train?",
            "answers": [{"text": "1843", "answer_start": FURTHER.index("1843")}],
        }
        articles.append({"title": "Trains", "paragraphs": [{"context": FURTHER, "qas": [further]}]})
        content = json.dumps({"data": articles}).encode()
        (folder / "xquad" / f"xquad.{language}.json.gz").write_bytes(gzip.compress(content))
    (folder / "wice" / "claim_dev.jsonl").write_text("\n".join(map(json.dumps, WICE)))
    return folder


class _Stub:
    """A check that finds a source for every sentence."""

    source: int | None = 1

    def __init__(self, question: str, passages: Mapping[int, Passage]) -> None:
        assert passages

    def cite(self, index: int, text: str, start: int, end: int) -> list[SentenceCitation]:
        return [SentenceCitation(index, start, end, self.source, 0, 10, 0.5)]


class _Refusing(_Stub):
    source = None


def test_a_check_that_passes_everything_fails_every_perturbed_sentence(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pills, "Citer", _Stub)

    numbers = pills.measure_pills(data, 10) | pills.measure_wice(data)

    assert {numbers[f"perturbed_pass.{kind}"] for kind in PERTURBED} == {1.0}
    assert numbers["perturbed_pass"] == numbers["verbatim_pass"] == numbers["light_edit_pass"] == 1.0
    assert numbers["wice_false_pass"] == numbers["wice_true_pass"] == 1.0
    assert numbers["wice_auroc"] == 0.5  # the same score for all
    assert numbers["perturbed_pass.n"] == sum(numbers[f"perturbed_pass.{kind}.n"] for kind in PERTURBED)


def test_a_check_that_passes_nothing_has_no_figure_above_zero(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("Citer", "QuotedCiter"):
        monkeypatch.setattr(pills, name, _Refusing)

    numbers = pills.measure_pills(data, 10) | pills.measure_wice(data)

    shares = {name: value for name, value in numbers.items() if not name.endswith(".n") and name != "wice_auroc"}
    assert len(shares) == 2 * (1 + len(PERTURBED) + len(TRUE)) + 2
    assert set(shares.values()) == {0.0}


def test_kinds_weigh_the_same_however_many_sentences_they_have() -> None:
    numbers = pills.summarise({"number": [True], "name": [False] * 9, "verbatim": [True, False]})

    assert numbers["perturbed_pass"] == 0.5
    assert numbers["perturbed_pass.n"] == 10
    assert (numbers["verbatim_pass"], numbers["verbatim_pass.n"]) == (0.5, 2)


def test_the_same_claims_are_drawn_again_and_none_stands_in_its_source(data: Path) -> None:
    cases = read_cases(data)
    for kind in PERTURBED:
        claims = build_claims(kind, cases, 20)
        assert claims
        assert [claim.text for claim in claims] == [claim.text for claim in build_claims(kind, cases, 20)]
        for claim in claims:
            text = " ".join(passage.full_text for passage in claim.passages.values())
            assert claim.base != claim.text
            assert (claim.text not in text) or kind == "other_question"


def test_claims_of_another_question_never_contain_the_sentence_that_answers(data: Path) -> None:
    cases = read_cases(data)
    gold = {case.question: case.gold[0] for case in cases}
    claims = build_claims("other_question", cases, 50)
    assert [claim.text for claim in claims if gold[claim.question] in claim.text] == []


def test_a_claim_that_names_another_page_is_given_the_page_that_is_printed(data: Path) -> None:
    for claim in build_claims("reference", read_cases(data), 20):
        text = " ".join(passage.full_text for passage in claim.passages.values())
        assert claim.base.rstrip(".") in text
        assert any(word in text for word in ("section", "version", "Abschnitt", "Version", "sección", "versión"))


def test_absent_sets_are_left_out(tmp_path: Path) -> None:
    assert pills.measure_pills(tmp_path, 10) == {}
    assert pills.measure_wice(tmp_path) == {}


@pytest.mark.usefixtures("tables_there")
@pytest.mark.slow
def test_search_is_measured_by_the_verb_of_benches(tmp_path: Path) -> None:
    folder, file = tmp_path / "data" / "clapnq", tmp_path / "numbers.json"
    folder.mkdir(parents=True)
    texts = {
        "a": "Foxes hunt mice at night. Foxes sleep at noon, and the mice rejoice.",
        "b": "Whales sing in the deep sea. Whales travel far, and sing again. Plankton feeds whales, and drifts.",
    }
    (folder / "corpus.jsonl").write_text(
        "\n".join(json.dumps({"_id": key, "title": "", "text": text}) for key, text in texts.items())
    )
    questions = {"q": "where do whales sing", "none": "who painted the ceiling of the chapel in Rome"}
    (folder / "queries.jsonl").write_text(
        "\n".join(json.dumps({"_id": key, "text": text}) for key, text in questions.items())
    )
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\tb\t1\n")

    benchmarks.main(["trust", "--parts", "search", "--data", str(folder.parent), "--json", str(file)])

    numbers = json.loads(file.read_text())
    assert (numbers["ndcg10"], numbers["ndcg10.n"]) == (1.0, 1)
    assert (numbers["answerable_quoted"], numbers["irrelevant_quotes"]) == (1.0, 0.0)
    assert (numbers["abstain_auc"], numbers["abstain_auc.n"]) == (1.0, 2)
    assert numbers["typo_recall10_loss"] == 0.0
    assert numbers["found_by_word.n"] > 0
    assert 0 <= numbers["found_by_word"] <= 1
