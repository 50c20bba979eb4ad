"""A sentence that says the opposite of its source, or another number, name, unit or duty, has no support."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from apps.engines import registry
from apps.grounding.agreement import find_disagreement
from apps.grounding.support_check import AgreementAndInference, Premise
from apps.grounding.support_limits import MIN_SUPPORT

GERMAN = [
    ("Der Kran darf bei Regen benutzt werden.", "Der Kran darf bei Regen nicht benutzt werden."),
    ("Mieter haben Anspruch auf einen Stellplatz.", "Mieter haben keinen Anspruch auf einen Stellplatz."),
    ("Die Miete ist 2023 gestiegen.", "Die Miete ist 2023 gefallen."),
    ("Der Kran hebt vierzig Tonnen.", "Der Kran hebt dreißig Tonnen."),
    ("Der Vertrag verlängert sich automatisch.", "Der Vertrag verlängert sich nie automatisch."),
    ("Die Lieferung erfolgt mit Anzahlung.", "Die Lieferung erfolgt ohne Anzahlung."),
    ("Rauchen ist im Hof erlaubt.", "Rauchen ist im Hof verboten."),
    ("Der Zähler wird oberhalb der Tür montiert.", "Der Zähler wird unterhalb der Tür montiert."),
    ("Die Prüfung dauert vierundzwanzig Stunden.", "Die Prüfung dauert zweiundvierzig Stunden."),
    ("Die Teilnahme ist freiwillig.", "Die Teilnahme ist verpflichtend."),
    ("Der Ausschuss hat den Antrag genehmigt.", "Der Ausschuss hat den Antrag abgelehnt."),
    ("Das Gehäuse enthält Asbest.", "Das Gehäuse enthält keinerlei Asbest."),
    ("Die Gebühr beträgt mindestens 20 Euro.", "Die Gebühr beträgt höchstens 20 Euro."),
    ("Die Anlage kostet 1.500 Euro.", "Die Anlage kostet 1.050 Euro."),
    ("Die Frist endet am fünften Werktag.", "Die Frist endet am siebten Werktag."),
    ("Der linke Hebel löst die Bremse.", "Der rechte Hebel löst die Bremse."),
    ("Die Bibliothek öffnet vor neun Uhr.", "Die Bibliothek öffnet nach neun Uhr."),
    ("Der Motor läuft im Winter schneller.", "Der Motor läuft im Winter langsamer."),
    ("Beide Filter werden gewaschen.", "Weder der grobe noch der feine Filter werden gewaschen."),
    ("Kinder zahlen die Hälfte, Hunde fahren kostenlos.", "Kinder zahlen die Hälfte, Hunde fahren nicht kostenlos."),
]
SPANISH = [
    ("El precio incluye el desayuno.", "El precio nunca incluye el desayuno."),
    ("Las ventas subieron en 2023.", "Las ventas bajaron en 2023."),
    ("El depósito admite cuarenta litros.", "El depósito admite treinta litros."),
    ("El alquiler se paga con fianza.", "El alquiler se paga sin fianza."),
    ("Está permitido fumar en el patio.", "Está prohibido fumar en el patio."),
    ("El comité aprobó la solicitud.", "El comité rechazó la solicitud."),
    ("La válvula superior regula el caudal.", "La válvula inferior regula el caudal."),
    ("La inscripción es obligatoria.", "La inscripción es opcional."),
    ("Los socios tampoco pagan la cuota de mayo, solo la de abril.", "Los socios pagan la cuota de mayo."),
    ("El plazo es de treinta y cinco días.", "El plazo es de cincuenta y tres días."),
    ("La máquina pesa 1.500 kilos.", "La máquina pesa 1.050 kilos."),
    ("Todos los filtros se lavan.", "Ninguno de los filtros se lava."),
    ("El museo abre antes de las once.", "El museo abre después de las once."),
    ("La garantía cubre los daños por agua.", "La garantía no cubre los daños por agua."),
    ("El contrato termina en junio.", "El contrato comienza en junio."),
    ("La bomba izquierda está averiada.", "La bomba derecha está averiada."),
    ("El coste máximo es de 20 euros.", "El coste mínimo es de 20 euros."),
    ("El producto contiene gluten.", "El producto no contiene gluten."),
    ("La temperatura es más alta en invierno.", "La temperatura es más baja en invierno."),
    ("Nadie firmó el acta del consejo.", "El consejo firmó el acta."),
]
AGREEING = [
    ("Bei Regen darf der Kran nicht benutzt werden.", "Der Kran darf bei Regen nicht benutzt werden."),
    ("Der Kran hebt 30 Tonnen.", "Der Kran hebt dreißig Tonnen."),
    ("Die Anlage kostet 1500 Euro.", "Die Anlage kostet 1.500 Euro."),
    ("Der Vertrag läuft zwei Jahre.", "Der Vertrag läuft zwei Jahre, er verlängert sich nicht automatisch."),
    ("Die Prüfung dauert 24 Stunden.", "Die Prüfung dauert vierundzwanzig Stunden."),
    ("Die Miete stieg im Jahr 2023.", "Die Miete stieg im Jahr 2023 um drei Prozent."),
    ("Nicht nur Mieter haben Anspruch auf einen Stellplatz.", "Mieter haben Anspruch auf einen Stellplatz."),
    ("El precio nunca incluye el desayuno.", "El precio nunca incluye el desayuno ni la cena."),
    ("El depósito admite 30 litros.", "El depósito admite treinta litros."),
    ("El plazo es de 35 días.", "El plazo es de treinta y cinco días."),
    ("La máquina pesa 1500 kilos.", "La máquina pesa 1.500 kilos."),
    ("Las ventas bajaron en 2023.", "En 2023 las ventas bajaron por la sequía."),
]


ENGLISH = [
    ("See section 6.11, page 106.", "See section 6.7, page 100."),
    ("/opt/package/bin is reserved for add-on packages.", "/opt is reserved for add-on packages."),
    ("The score should be 80.", "The score was certainly under 80."),
    ("Settings are kept in server.cfg and read at startup.", "Settings are kept in server.conf and read at startup."),
    ("The tool reads its options with --force.", "The tool reads its options with --quiet."),
    ("All members may borrow six books.", "Some members may borrow six books."),
    ("Members must borrow six books.", "Members may borrow six books."),
    ("The drug causes drowsiness.", "The drug might cause drowsiness."),
    ("Only members borrow books.", "Members borrow books."),
    ("The lease lasts 5 weeks.", "The lease lasts 5 days."),
    ("The fine is $20.", "The fine is €20."),
    ("The tank holds more than 40 litres.", "The tank holds less than 40 litres."),
    ("The meeting is on Tuesday.", "The meeting is on Thursday."),
    ("The pump needs version 2.4.1.", "The pump needs version 2.4.7."),
    ("Payment is due at least 10 days before.", "Payment is due at most 10 days before."),
]


class Agrees:
    """Model of inference that finds every claim entailment_scores, so that agreement alone decides."""

    def entailment_scores(self, pairs: Sequence[tuple[str, str]], language: str = "en") -> list[float]:
        return [0.99] * len(pairs)


@pytest.fixture(autouse=True)
def _agreeing_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "get_nli_engine", Agrees)


def score(claim: str, premise: str, language: str) -> float:
    (verdict,) = AgreementAndInference().judge(claim, [Premise(premise, language=language)])
    return verdict.score


@pytest.mark.parametrize(
    ("claim", "premise", "language"),
    [(*pair, "de") for pair in GERMAN] + [(*pair, "es") for pair in SPANISH] + [(*pair, "en") for pair in ENGLISH],
)
def test_the_opposite_or_another_fact_has_no_support_whatever_the_model_says(
    claim: str, premise: str, language: str
) -> None:
    assert score(claim, premise, language) < MIN_SUPPORT
    if language != "en":
        assert score(premise, claim, language) < MIN_SUPPORT


@pytest.mark.parametrize(("claim", "premise"), AGREEING)
def test_claim_in_other_order_or_digits_keeps_its_support(claim: str, premise: str) -> None:
    assert score(claim, premise, "de") >= MIN_SUPPORT


@pytest.mark.parametrize(
    ("claim", "premise", "kind"),
    [
        ("It costs 12 euros.", "It costs 21 euros.", "number"),
        ("It lasts 5 weeks.", "It lasts 5 days.", "unit"),
        ("Run it with --force.", "Run it with --quiet.", "code"),
        ("It ends in June.", "It ends in July.", "date"),
        ("The bells come from Oldwick.", "The bells come from Tarrin.", "name"),
        ("Brass is polished with wax.", "Steel is painted.", "words"),
        ("All doors are locked.", "Some doors are locked.", "quantifier"),
        ("Doors must be locked.", "Doors can be locked.", "modality"),
        ("Doors are locked.", "Doors are never locked.", "negation"),
        ("Prices rose in spring.", "Prices fell in spring.", "antonym"),
        ("Doors are locked at night.", "At night, doors are locked.", ""),
    ],
)
def test_the_kind_of_the_disagreement_is_named(claim: str, premise: str, kind: str) -> None:
    assert find_disagreement(claim, premise) == kind


def test_a_name_or_code_may_stand_in_the_heading() -> None:
    claim, source = "In E7 the Tarrin valve is closed.", "The valve is closed."
    assert find_disagreement(claim, source) == "code"
    assert find_disagreement(claim, source, context="Faults › E7 at Tarrin") == ""


PEOPLE = "Board: President Josephine Lind and Vice-President Ann Kausar. Employee: Superintendent Wendy Grau"


@pytest.mark.parametrize(
    ("claim", "kind"),
    [
        ("The Superintendent of the board is Josephine Lind.", "recombined"),
        ("Josephine Lind is the superintendent.", "recombined"),
        ("The superintendent is Wendy Grau.", ""),
        ("Wendy Grau is the superintendent.", ""),
        ("The President is Josephine Lind.", ""),
        ("Ann Kausar is the Vice-President.", ""),
    ],
)
def test_an_office_belongs_to_the_name_beside_it(claim: str, kind: str) -> None:
    assert find_disagreement(claim, PEOPLE.replace(". ", ", ")) == kind


def test_a_name_with_hyphens_is_not_put_together_from_words_of_the_source() -> None:
    source = "The caching proxy of Debian is configured by the squid-deb-proxy-client package."
    assert find_disagreement("Debian-Caching-Proxy-Client", source) == "code"
    assert find_disagreement("The Jean-Luc bridge is closed.", "The Jean-Luc bridge is closed today.") == ""
