"""Default policy of a new installation: clauses in plain words, thresholds at the cuts of the classifiers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.engines.types import LabelThresholds
from apps.safety.policy.schema import LATER_CLAUSES

_W, _S, _N, _L, _R = "withhold", "withhold_and_review", "note", "label", "review"

_GUARDED = LabelThresholds(0.5, 1.0)  # of labels that only a guard model scores: doubtful, and unsafe
_GRAVEST = 0.9  # score from which a question under a clause of severity 4 is withheld until reviewed
_PICTURE = LabelThresholds(0.5, 0.8)  # of a picture classifier that the operator chooses; not calibrated here

# code, title, text, severity, fail, action of a rule, {stage: (action from the flag cut, action from the block cut)}
_CLAUSES: tuple[tuple[str, str, str, int, str, str, dict[str, tuple[str, str]]], ...] = (
    (
        "child_exploitation", "Children",
        "Nothing sexual about people under eighteen, and no help with harming them.",
        4, "closed", _S, {"question": (_R, _S), "answer": (_N, _S)},
    ),
    (
        "weapons", "Weapons",
        "No help with making or getting weapons of mass destruction, explosives or untraceable guns.",
        4, "closed", _S, {},
    ),
    (
        "self_harm", "Self-harm",
        "Users who talk about self-harm get words of support and help lines. They are never punished for it.",
        3, "closed", _W, {"question": (_N, _W), "answer": (_N, _W)},
    ),
    (
        "violence", "Violence", "No help with hurting people, and no praise of it.",
        3, "open", _S, {"question": (_N, _S), "answer": (_N, _S), "picture": (_R, _S)},
    ),
    (
        "hate", "Hate", "Nothing that degrades people for who they are, or calls for harming them.",
        3, "open", _S, {"question": (_N, _S), "answer": (_N, _S)},
    ),
    (
        "crime", "Crimes", "No help with crimes against people, their homes, their money or their accounts.",
        3, "open", _S, {"question": (_N, _S)},
    ),
    (
        "sex_crime", "Sexual violence", "No help with sexual violence, coercion or trafficking, and no praise of it.",
        3, "open", _S, {"question": (_R, _S), "answer": (_R, _S)},
    ),
    ("drugs", "Drugs", "No instructions for making or selling hard drugs.", 3, "open", _S, {}),
    (
        "malware", "Malicious software", "No software that breaks into, spies on or locks other people's machines.",
        3, "open", _S, {},
    ),
    (
        "sexual", "Sexual content", "The assistant writes no sexually explicit texts.",
        2, "open", _W, {"question": (_N, _L), "answer": (_N, _W), "picture": (_R, _S)},
    ),
    (
        "harassment", "Harassment", "Nothing that insults or bullies people.",
        1, "open", _N, {"question": (_N, _L), "answer": (_N, _L)},
    ),
    (
        "prompt_attack", "Attacks on the assistant",
        "No text that tries to change the rules of the assistant, or gives it instructions from within a document.",
        2, "open", _L, {"question": (_N, _L), "passage": (_L, _R)},
    ),
    (
        "exfil", "Data in links", "No links that would send data to other servers.",
        2, "open", _L, {},
    ),
    (
        "defamation", "False claims about people",
        "No made-up accusations against real people or companies.",
        2, "open", _R, {},
    ),
    (
        "impersonation", "Real people", "Nothing that could be mistaken for words or a picture of a real person.",
        2, "open", _R, {},
    ),
    (
        "intellectual_property", "Copyright and brands",
        "No long copies of protected works, and nothing that imitates a product of a brand.",
        1, "open", _R, {},
    ),
    (
        "advice", "Professional advice",
        "Answers about health, law and money come from documents, with sources. They do not replace an expert.",
        1, "open", _N, {},
    ),
    (
        "personal_data", "Personal data", "Personal data of other people is detected and can be hidden.",
        1, "open", _N, {},
    ),
    ("secrets", "Passwords and keys", "No passwords or keys in messages, answers or documents.", 1, "open", _L, {}),
    (
        "prompt_leak", "Leak of the system prompt",
        "Confidential instructions of the assistant are never shown or sent.",
        2, "open", _W, {},
    ),
)  # fmt: skip


def make_default_policy(cuts: Mapping[str, LabelThresholds]) -> dict[str, Any]:
    """Return the body of the default policy with thresholds from `cuts`, by label.

    Labels without cuts get no thresholds.
    """
    rows = []
    for code, title, text, severity, fail, rule, stages in _CLAUSES:
        thresholds = {}
        for stage, (flag, block) in stages.items():
            cut = _PICTURE if stage == "picture" else cuts.get(code, _GUARDED if code in LATER_CLAUSES else None)
            if cut is None:
                continue
            if severity == 4 and stage == "question" and cut.block > _GRAVEST:
                cut = LabelThresholds(min(cut.flag, _GRAVEST), _GRAVEST)
            flag_threshold = [{"least": cut.flag, "action": flag}] if cut.flag < cut.block else []
            thresholds[stage] = [*flag_threshold, {"least": cut.block, "action": block}]
        rows.append(
            {
                "code": code, "title": title, "text": text, "severity": severity, "fail": fail, "rule": rule,
                "steps": thresholds,
            }
        )  # fmt: skip
    return {"clauses": rows}


def add_missing_clauses(version: Any) -> Any:
    """Return the policy body with the default clauses that were introduced after it was written.

    A malformed body is returned unchanged.
    """
    rows = version.get("clauses") if isinstance(version, Mapping) else None
    if not isinstance(rows, list):
        return version  # `parse_policy` reports the error
    known = {str(row.get("code")) for row in rows if isinstance(row, dict)}
    new = [row for row in make_default_policy({})["clauses"] if row["code"] in LATER_CLAUSES.keys() - known]
    return {**version, "clauses": [*rows, *new]}
