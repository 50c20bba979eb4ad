"""What a program may ask under which name: the documents through each model, and each model alone."""

from __future__ import annotations

from dataclasses import dataclass

from apps.api.errors import Wrong
from apps.engines import registry
from apps.engines.base import EngineError
from apps.engines.chat.offered import MAIN

GROUNDED = "openbook"  # answers from documents; with "/" and a name behind it, by that model


@dataclass(frozen=True, slots=True)
class Served:
    """`model` writes; None: as the site's assistant has it. `grounded`: from documents."""

    id: str
    model: str | None
    grounded: bool


async def served() -> list[Served]:
    """All of it, the documents first. Raises EngineError where the only model is away."""
    further = registry.chat_models()[1:]
    found = [Served(GROUNDED, None, True)]
    try:
        found.append(Served((await registry.chat().info()).name, MAIN, False))
    except EngineError:
        if not further:
            raise
    for model in further:
        found += [Served(f"{GROUNDED}/{model.name}", model.name, True), Served(model.name, model.name, False)]
    return found


async def wanted(name: str) -> Served:
    """What goes by that name. Raises Wrong, EngineError."""
    known = await served()
    if (item := next((item for item in known if item.id == name), None)) is None:
        names = ", ".join(f"“{item.id}”" for item in known)
        words = f"There is no model of that name here; there are {names}."
        raise Wrong(404, words, param="model", code="model_not_found")
    return item
