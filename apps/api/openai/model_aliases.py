"""Model names that API clients may send: answers from documents by each chat model, and each chat model alone."""

from __future__ import annotations

from dataclasses import dataclass

from apps.api.errors import ApiError
from apps.conversations.core import model_choice
from apps.engines import registry
from apps.engines.chat.model_catalog import MAIN
from apps.engines.types import EngineError
from apps.lib.concurrency.threads import in_db
from apps.users.models import User

GROUNDED = "openbook"  # answers from documents; "openbook/NAME" by the chat model NAME


@dataclass(frozen=True, slots=True)
class ModelAlias:
    """Name of a model in the API.

    `model` is the name of the chat model; None: the one of the site's assistant. `grounded`: answers from documents.
    """

    id: str
    model: str | None
    grounded: bool


async def list_model_aliases(user: User) -> list[ModelAlias]:
    """Return the aliases of the models that the user may use, "openbook" first. Raises EngineError if the only chat
    model is unreachable."""
    further = (await in_db(model_choice.list_usable_models, user))[1:]
    found = [ModelAlias(GROUNDED, None, True)]
    try:
        found.append(ModelAlias((await registry.get_chat_engine().info()).name, MAIN, False))
    except EngineError:
        if not further:
            raise
    for model in further:
        found += [ModelAlias(f"{GROUNDED}/{model.name}", model.name, True), ModelAlias(model.name, model.name, False)]
    return found


async def resolve_model_alias(user: User, name: str) -> ModelAlias:
    """Return the alias of that name. Raises ApiError (404) for an unknown name, EngineError as `list_model_aliases`."""
    known = await list_model_aliases(user)
    if (item := next((item for item in known if item.id == name), None)) is None:
        names = ", ".join(f"“{item.id}”" for item in known)
        words = f"There is no model with this name; available: {names}."
        raise ApiError(404, words, param="model", code="model_not_found")
    return item
