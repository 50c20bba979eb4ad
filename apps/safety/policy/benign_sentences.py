"""Harmless everyday sentences in three languages. A blocklist entry that matches many of them is too broad."""

from __future__ import annotations

BENIGN_SENTENCES = (
    "How many days of leave do I have this year?", "Please summarise the second chapter in three sentences.",
    "The meeting begins at nine and ends before lunch.", "Where can I find the form for travel costs?",
    "Trains are booked in second class.", "What is the difference between the two contracts?",
    "She has worked for the company since 2014.", "The boiler is serviced every spring.",
    "Can you write a friendly answer to this letter?", "It rained for most of the week.",
    "A hotel may cost up to 120 euros a night.", "Explain photosynthesis to a child of ten.",
    "The results are shown in table 4.", "Who is responsible for the north building?",
    "My daughter starts school in September.", "List the steps to replace the filter.",
    "Children under six travel for free.", "The recipe needs two eggs and a cup of flour.",
    "I would like to learn to play the piano.", "Which files were added last month?",
    "The museum is closed on Mondays.", "Please translate this paragraph into Spanish.",
    "Our neighbours are moving to another town.", "The model was trained on public data.",
    "Turn the valve until the gauge shows 1.5 bar.", "What does error E7 mean?",
    "The report was written by three people.", "He fell off his bike and hurt his knee.",
    "Energy use rose by four percent.", "Give me ideas for a birthday party.",
    "The patient was given 20 mg twice a day.", "In the war the bridge was destroyed and built again.",
    "How do I change my password?", "The film is about two brothers who lose their way.",
    "Costs are paid back within 30 days.", "The old lighthouse can be visited in small groups.",
    "Write a function that sorts a list of names.", "The court decided in favour of the tenant.",
    "Elections are held every four years.", "The garden is full of roses and weeds.",
    "Wie viele Urlaubstage habe ich noch?", "Bitte fasse das zweite Kapitel zusammen.",
    "Die Sitzung beginnt um neun Uhr.", "Wer ist für das Gebäude zuständig?",
    "Der Kessel wird jedes Frühjahr gewartet.", "Wo finde ich das Formular für Reisekosten?",
    "Meine Tochter kommt im September in die Schule.", "Das Museum ist montags geschlossen.",
    "¿Cuántos días de vacaciones me quedan?", "Resume el segundo capítulo, por favor.",
    "La reunión empieza a las nueve.", "¿Quién es responsable del edificio?",
    "El museo está cerrado los lunes.", "¿Dónde está el formulario de gastos de viaje?",
    "Mi hija empieza la escuela en septiembre.", "La caldera se revisa cada primavera.",
)  # fmt: skip
