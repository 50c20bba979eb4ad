"""What a program may ask under which name: the documents through each model, and each model alone."""

from __future__ import annotations

from dataclasses import dataclass

from apps.api.errors import ApiError
from apps.engines import registry
from apps.engines.chat.model_catalog import MAIN
from apps.engines.types import EngineError

GROUNDED = "openbook"  # answers from documents; with "/" and a name behind it, by that model


@dataclass(frozen=True, slots=True)
class ModelAlias:
    """`model` writes; None: as the site's assistant has it. `grounded`: from documents."""

    id: str
    model: str | None
    grounded: bool


async def list_model_aliases() -> list[ModelAlias]:
    """All of it, the documents first. Raises EngineError where the only model is away."""
    further = registry.list_chat_models()[1:]
    found = [ModelAlias(GROUNDED, None, True)]
    try:
        found.append(ModelAlias((await registry.get_chat_engine().info()).name, MAIN, False))
    except EngineError:
        if not further:
            raise
    for model in further:
        found += [ModelAlias(f"{GROUNDED}/{model.name}", model.name, True), ModelAlias(model.name, model.name, False)]
    return found


async def resolve_model_alias(name: str) -> ModelAlias:
    """What goes by that name. Raises Wrong, EngineError."""
    known = await list_model_aliases()
    if (item := next((item for item in known if item.id == name), None)) is None:
        names = ", ".join(f"“{item.id}”" for item in known)
        words = f"There is no model of that name here; there are {names}."
        raise ApiError(404, words, param="model", code="model_not_found")
    return item
