"""Values for the placeholders in training sentences: names, places and addresses of many countries, drawn by Faker
(MIT)."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

_LOCALES = (
    "en_US", "en_GB", "en_AU", "de_DE", "de_AT", "fr_FR", "it_IT", "es_ES", "pt_PT", "pt_BR", "nl_NL", "da_DK",
    "no_NO", "sv_SE", "fi_FI", "cs_CZ", "hu_HU", "pl_PL", "sl_SI", "hr_HR", "et_EE", "is_IS", "ro_RO", "tr_TR",
    "sk_SK", "lt_LT", "en_IN", "en_NG", "id_ID", "es_MX",
)  # fmt: skip
_SCRIPTS = ("el_GR", "ru_RU", "ja_JP")
_RARE = 0.04  # share of values in another script
_HONORIFIC = re.compile(
    r"\b(?:Dr|Prof|Mr|Mrs|Ms|Ing|Dipl|Univ|Bc|Sr|Sra|Hr|Fr|Dott|Sig|PhD|MD|DDS|DVM|Mgr|JUDr|MUDr|pani|pan)\b\.?"
)
_NATIONS = (
    "French", "German", "Czech", "Polish", "Spanish", "Dutch", "Russian", "English", "Japanese", "Italian",
    "Hungarian", "Chechen", "Greek", "Turkish", "Swedish", "Danish", "Norwegian", "Finnish", "Irish", "Scottish",
    "Welsh", "Canadian", "American", "Mexican", "Brazilian", "Chinese", "Korean", "Indian", "Kenyan", "Nigerian",
    "Egyptian", "Iraqi", "Syrian", "Iranian", "Israeli", "Cuban", "Peruvian", "Chilean", "Thai", "Vietnamese",
    "Cambodian", "Austrian", "Swiss", "Belgian", "Portuguese", "Romanian", "Bulgarian", "Serbian", "Croatian",
    "Ukrainian", "Latvian", "Estonian", "Icelandic", "Moroccan", "Tunisian", "Catholic", "Jewish", "Muslim",
    "Protestant", "Hindu", "Buddhist", "Democrat", "Republican", "Conservative", "Australian", "British",
    "Lithuanian", "Slovak", "Slovenian", "Bosnian", "Albanian", "Macedonian", "Montenegrin", "Cypriot", "Maltese",
    "Belarusian", "Moldovan", "Georgian", "Armenian", "Azerbaijani", "Kazakh", "Uzbek", "Turkmen", "Kyrgyz", "Tajik",
    "Afghan", "Pakistani", "Bangladeshi", "Nepalese", "Burmese", "Malaysian", "Indonesian", "Filipino", "Singaporean",
    "Taiwanese", "Mongolian", "Lebanese", "Jordanian", "Saudi", "Emirati", "Qatari", "Kuwaiti", "Yemeni", "Omani",
    "Bahraini", "Palestinian", "Libyan", "Algerian", "Sudanese", "Ethiopian", "Eritrean", "Somali", "Ugandan",
    "Tanzanian", "Rwandan", "Congolese", "Angolan", "Zambian", "Zimbabwean", "Namibian", "Mozambican", "Malagasy",
    "Ghanaian", "Ivorian", "Senegalese", "Malian", "Liberian", "Gambian", "Cameroonian", "Gabonese", "Togolese",
    "Beninese", "Argentine", "Uruguayan", "Paraguayan", "Bolivian", "Ecuadorian", "Colombian", "Venezuelan",
    "Guyanese", "Panamanian", "Honduran", "Guatemalan", "Nicaraguan", "Salvadoran", "Belizean", "Jamaican", "Haitian",
    "Dominican", "Bahamian", "Barbadian", "Trinidadian", "Fijian", "Samoan", "Tongan", "Maori", "Greenlandic",
    "Luxembourgish", "Flemish", "Catalan", "Basque", "Breton", "Sardinian", "Sicilian", "Bavarian", "Kurdish",
    "Tibetan", "Tamil", "Punjabi", "Sikh", "Persian", "Arab", "Berber", "Zulu", "Tatar", "Lutheran", "Orthodox",
    "Anglican", "Methodist", "Baptist", "Mormon", "Shia", "Sunni", "Liberal", "Socialist", "Communist", "Libertarian",
    "European", "African", "Asian",
)  # fmt: skip
_OFTEN = (
    "United States", "United Kingdom", "Czech Republic", "Norway", "France", "Germany", "Cyprus", "Spain", "Italy",
    "Switzerland", "Belgium", "New Zealand", "Australia", "Canada", "Hungary", "Portugal", "Poland", "Iceland",
    "Brazil", "Austria", "Sweden", "Denmark", "Finland", "Slovenia",
)  # fmt: skip
_HONORIFICS = (
    "Mr.", "Mrs.", "Ms.", "Dr.", "Prof.", "Miss", "Sir", "Madam", "Mr", "Ms", "Mrs",
)  # fmt: skip
_CALLINGS = (
    "Tax", "School bus", "Window", "Machine", "Library", "Night", "Hotel desk", "Food", "Cargo", "Bank", "Data entry",
    "Legal", "Dental", "Field", "Network and security", "Medical records", "Health", "Fire", "Road", "Ship", "Paper",
    "Sales", "Crane", "Sound", "Pest control", "Insurance", "Forest", "Police and fire", "Loan", "Glass", "Human",
)  # fmt: skip
_ROLES = (
    "clerk", "driver", "cleaner", "operator", "assistant", "porter", "inspector", "technician", "officer", "guard",
    "teacher", "worker", "engineer", "installer", "manager", "nurse", "analyst", "adviser", "cook", "repairer",
)  # fmt: skip
_FIRST = (
    "Blue", "Green", "North", "Data", "Cloud", "Health", "Open", "Smart", "Food", "Energy", "Solar", "Urban", "Metro",
    "Prime", "Bright", "Global", "Alpha", "Delta", "Vertex", "Nova", "Quantum", "Red", "River", "Stone", "Oak",
    "Silver", "Harbor", "Summit", "Pioneer", "Legacy", "Credit", "Climate", "Social", "Legal", "Fresh", "Iron",
    "Golden", "Royal", "United", "First", "National", "Pacific", "Atlantic", "Digital",
)  # fmt: skip
_SECOND = (
    "Stats", "Base", "Works", "Metrics", "Lytics", "Labs", "Systems", "Health", "Insights", "Bank", "Capital",
    "Partners", "Group", "Foods", "Energy", "Logistics", "Media", "Networks", "Software", "Pharma", "Motors",
    "Airlines", "Insurance", "Foundation", "University", "Institute", "Club",
)  # fmt: skip
_FORMS = (
    " Inc", " Ltd", " Corporation", " LLC", " Group", " and Sons", " Incorporated", " PLC", " AG", " GmbH", " Co",
    " Corp.", " Inc.", " Ltd.",
)  # fmt: skip
_DATES = date(1935, 1, 1), date(2025, 12, 31)  # fixed, so that values do not depend on the day
_DAYS = (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "tomorrow", "yesterday", "January",
    "March", "July", "October",
)  # fmt: skip
_LETTERS = "ABCDEFGHIKLMNOPRSTVW"
# {n} house number, {s} street, {u} unit, {c} city, {g} city or country, {z} code, {x} two letters, {b} box numbers
_WHOLE = (
    "{n} {s}\n {u}\n {c}\n {g} {z}", "{n} {s}\n {u}\n {c}\n {g} {z}", "{n} {s} {u}\n{c}, {x} {z}",
    "{n} {s} {u}\n{c}, nan {z}", "{n} {s} {u}, {c}, {g} {z}", "{n} {s} {u} {c} {g} {z}", "{n} {s} {u}, {c}, {g}",
    "the corner of {s} and {r}", "the corner of {l} and {s}", "{l} and {s}",
    "Unit {b} Box {b}\nDPO {a} {z}", "PSC {b}, Box {b}\nAPO {a} {z}",
    "USNS {l}\nFPO {a} {z}", "{s}, {c}", "{s}, {z} {c}", "{s}\n{z} {c}\n{g}", "{f}",
)  # fmt: skip


class ValueFaker:
    """Random source of values. `known_values` are those of sentences that may be trained on; some are drawn
    from them."""

    def __init__(self, rng: random.Random, known_values: Mapping[str, Sequence[str]] | None = None) -> None:
        from faker import Faker

        self.rng = rng
        self._known = known_values or {}
        self._latin = [Faker(locale) for locale in _LOCALES]
        self._scripts = [Faker(locale) for locale in _SCRIPTS]
        for fake in (*self._latin, *self._scripts):
            fake.seed_instance(rng.randrange(1 << 30))
            for provider in fake.get_providers():
                if hasattr(provider, "cities"):
                    provider.cities = sorted(provider.cities)  # a set in one locale, whose order varies
        self._english = self._latin[0]

    def draw_value(self, kind: str) -> str:
        """Return a value for a placeholder of that kind."""
        if self._known.get(kind) and self.rng.random() < 0.4:
            return self.rng.choice(self._known[kind])
        english = self._english
        by_form: dict[str, Callable[[], Any]] = {
            "EMAIL_ADDRESS": english.email, "DOMAIN_NAME": english.url, "CREDIT_CARD": english.credit_card_number,
            "IBAN_CODE": english.iban, "IP_ADDRESS": english.ipv4, "US_SSN": english.ssn,
        }  # fmt: skip
        value = by_form[kind]() if kind in by_form else getattr(self, f"_{kind.lower()}")()
        return str(value)

    def _any(self) -> Any:
        return self.rng.choice(self._scripts if self.rng.random() < _RARE else self._latin)

    def _plain(self, name: str) -> str:
        return _HONORIFIC.sub("", name).replace("  ", " ").strip(" .,")

    def _person(self) -> str:
        fake, chance = self._any(), self.rng.random()
        first, last = self._plain(fake.first_name()), self._plain(fake.last_name())
        if chance < 0.28:
            return first
        if chance < 0.40:
            return last
        if chance < 0.55:
            return f"{first} {self.rng.choice(_LETTERS)}{self.rng.choice(('.', ''))} {last}"
        if chance < 0.60:
            return f"{first} {self._plain(fake.first_name())} {last}"
        if chance < 0.66:
            return f"{self.rng.choice(('', f'{first} '))}{last}-{self._plain(fake.last_name())}"
        return f"{first} {last}"

    def _city(self) -> str:
        city = re.sub(r"^[гс]\. ?", "", self._any().city())
        return city.upper() if self.rng.random() < 0.15 else city

    def _gpe(self) -> str:
        chance = self.rng.random()
        if chance < 0.27:
            return str(self._english.country())
        return self.rng.choice(_OFTEN) if chance < 0.45 else self._city()

    def _street(self) -> str:
        chance, name = self.rng.random(), self._any().street_name()
        if chance < 0.35:
            name = f"{name} {self.rng.randrange(1, 300)}"
        elif chance < 0.6:
            name = f"{self.rng.randrange(1, 300)} {name}"
        elif chance < 0.7:
            way = self.rng.choice(("Street", "St", "Road", "Drive", "Avenue", "Lane"))
            name = f"{self.rng.randrange(1, 4000)} {self._english.last_name()} {way}"
        return str(name.lower() if self.rng.random() < 0.08 else name)

    def _number(self) -> str:
        most = 10 ** self.rng.choice((2, 3, 4, 5, 5, 5))
        return str(self.rng.randrange(1, most)).zfill(self.rng.choice((1, 3, 5)))

    def _unit(self) -> str:
        kind = self.rng.choice(("Suite", "Apt.", "Suite", "Apt.", "Unit", "Flat"))
        return f"{kind} {self.rng.randrange(1, 999):03d}"

    def _zip(self) -> str:
        digits = self.rng.choice((4, 5, 5, 0))
        return f"{self.rng.randrange(10**digits):0{digits}d}" if digits else str(self._any().postcode())

    _zipcode = _zip_code = _zip

    def _address(self) -> str:
        box = f"{self.rng.randrange(10**4):04d}"
        whole = self.rng.choice(_WHOLE).format(
            n=self._number(), s=self._street(), r=self._street(), u=self._unit(), c=self._city(), g=self._gpe(),
            z=self._zip(), x="".join(self.rng.choices(_LETTERS, k=2)), b=box, l=self._english.last_name(),
            a=self.rng.choice(("AP", "AE", "AA")), f=self.rng.choice(self._latin).address(),
        )  # fmt: skip
        return whole.lower() if self.rng.random() < 0.06 else whole

    def _organization(self) -> str:
        chance, name = self.rng.random(), self._english.last_name
        first, second = self.rng.choice(_FIRST), self.rng.choice(_SECOND)
        if chance < 0.2:
            return str(self.rng.choice(self._latin).company())
        if chance < 0.3:
            words = [self._english.word().capitalize() for _ in range(self.rng.choice((1, 2, 2, 3)))]
            return " ".join(words) + self.rng.choice(("", "", "", *_FORMS, ".com"))
        if chance < 0.4:
            return f"{self._english.word()}{self._english.word()}".capitalize()
        if chance < 0.5:
            return f"{first}{second.lower()}"
        if chance < 0.65:
            return f"{first} {second}"
        if chance < 0.75:
            return f"{first}{self.rng.choice(_FORMS)}"
        if chance < 0.85:
            return f"{name()}{self.rng.choice(_FORMS)}"
        if chance < 0.95:
            return self.rng.choice((f"{name()}, {name()} and {name()}", f"{name()}-{name()}"))
        return "".join(self.rng.choices(_LETTERS, k=self.rng.choice((2, 3, 4))))

    def _title(self) -> str:
        if self.rng.random() < 0.35:
            return self.rng.choice(_HONORIFICS)
        if self.rng.random() < 0.3:
            return f"{self.rng.choice(_CALLINGS)} {self.rng.choice(_ROLES)}".capitalize()
        job = re.split(r"[,(]" if self.rng.random() < 0.8 else r"[(]", self._english.job())[0].strip()
        return str(job) if self.rng.random() < 0.5 else f"{job[0].upper()}{job[1:].lower()}"

    def _date_time(self) -> str:
        day = self._english.date_between(*_DATES)
        return self.rng.choice(
            (
                str(day.year), str(day.year), str(day.year), f"{day} {self._clock()}", str(day),
                f"{day.month}/{day.day}/{day.year}", f"{day:%B} {day.day}", f"{day:%B} {day.day}, {day.year}",
                f"{day.day} {day:%B} {day.year}", self.rng.choice(_DAYS),
            )
        )  # fmt: skip

    def _clock(self) -> str:
        return ":".join(f"{self.rng.randrange(most):02d}" for most in (24, 60, 60))

    def _phone_number(self) -> str:
        return str(self.rng.choice(self._latin).phone_number())

    def _age(self) -> str:
        return str(self.rng.randrange(1, 99))

    def _nrp(self) -> str:
        name = self.rng.choice(_NATIONS)
        return name.lower() if self.rng.random() < 0.1 else name

    def _us_driver_license(self) -> str:
        number = f"{self.rng.randrange(10**13):013d}"
        letter = self.rng.choice(_LETTERS)
        return self.rng.choice((number[:7], f"{letter}{number}", f"{number[:4]}-{number[4:6]}-{number[6:10]}"))
