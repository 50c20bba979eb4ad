"""A German or Spanish sentence that says the opposite of its source, or another number, has no support."""

from __future__ import annotations

import numpy as np
import pytest

from apps.conversations import support
from apps.conversations.support import SUPPORTED, WordsAndMeaning

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


def judge(monkeypatch: pytest.MonkeyPatch, claim: str, premise: str, meaning: float) -> float:
    """Return the score where the embedder finds the two as alike as `meaning`, its cosine."""
    pair = np.array([[1.0, 0.0], [meaning, (1 - meaning**2) ** 0.5]])
    monkeypatch.setattr(support, "vectors", lambda texts: pair)
    return WordsAndMeaning().judge(claim, [premise]).score


@pytest.mark.parametrize("meaning", [0.0, 0.95])
@pytest.mark.parametrize(("claim", "premise"), GERMAN + SPANISH)
def test_the_opposite_or_another_number_has_no_support(
    claim: str, premise: str, meaning: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert judge(monkeypatch, claim, premise, meaning) < SUPPORTED
    assert judge(monkeypatch, premise, claim, meaning) < SUPPORTED


@pytest.mark.parametrize(("claim", "premise"), AGREEING)
def test_the_same_in_other_order_or_digits_keeps_its_support(
    claim: str, premise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert judge(monkeypatch, claim, premise, 0.95) >= SUPPORTED
