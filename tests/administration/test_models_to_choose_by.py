"""Figures to choose a model by, for administrators and in the menu, and models of the environment for some groups."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.conversations.assistants import model_menu
from apps.conversations.core import model_choice, model_servers
from apps.conversations.errors import RequestRefused
from apps.conversations.models import Conversation, ModelProfile, RestrictedModel
from apps.safety.errors import ActionRefused
from apps.safety.models import AuditEntry
from apps.users import usage
from apps.users.models import UsageDay, User
from tests.factories import make_client
from tests.support.chat_models import BIG, offer_model
from tests.support.pages import strip_layout

pytestmark = pytest.mark.django_db
PAGE, OF_BIG = "/administration/models/", f"/administration/models/environment/{BIG}/"


@pytest.fixture(autouse=True)
def _no_models_of_other_tests() -> Iterator[None]:
    yield
    model_servers.reset_page_models()


@pytest.fixture
def big(settings: Settings) -> None:
    offer_model(settings)


@pytest.fixture
def finance(bob: User) -> Group:
    group = Group.objects.create(name="Finance")
    bob.groups.add(group)
    return group


def list_names(user: User) -> list[str]:
    return [model.name for model in model_choice.list_usable_models(user)]


def test_page_shows_size_what_was_measured_and_the_tokens_of_thirty_days(admin: Client, alice: User, big: None) -> None:
    ModelProfile.objects.create(name="big-70B", reading_right=8, reading_asked=8, prompt_tokens_per_s=2345.6)
    usage.record_usage(alice, "big-70B", tokens=12_000)
    old = timezone.now().date() - timedelta(days=30)
    UsageDay.objects.create(user=alice, day=old, model="big-70B", tokens=500_000)
    page = strip_layout(admin.get(PAGE).content.decode())
    for words in ("70 billion parameters", "8 of 8 right", "2,346 tokens/s", "12,000", "not measured"):
        assert words in page, words
    assert "512,000" not in page and "500,000" not in page


def test_menu_names_size_quality_and_speed(alice: User, big: None) -> None:
    profile = ModelProfile.objects.create(name="big-70B", reading_right=8, reading_asked=8, prompt_tokens_per_s=9_000)
    words = {option.name: option.description for option in model_menu.list_model_options(alice, "main")}
    assert words[BIG] == "70 billion parameters, reads well, reads fast"
    profile.reading_right, profile.prompt_tokens_per_s = 3, 100
    profile.save()
    words = {option.name: option.description for option in model_menu.list_model_options(alice, "main")}
    assert words[BIG] == "70 billion parameters, makes mistakes when it reads, reads slowly"


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("SmolLM2-135M", "135 million parameters"), ("qwen-0.5b", "500 million parameters"),
        ("Llama-3.1-8B", "8 billion parameters"), ("phi-3.8B", "3.8 billion parameters"), ("gpt-4o", ""),
    ],
)  # fmt: skip
def test_size_is_the_one_that_the_name_states(name: str, size: str) -> None:
    assert model_menu.describe_size(name) == size


def test_model_of_the_environment_is_offered_to_the_chosen_groups_alone(
    admin: Client, alice: User, bob: User, finance: Group, big: None
) -> None:
    assert admin.get(OF_BIG).status_code == 200
    assert admin.post(OF_BIG, {"groups": [finance.pk]}).status_code == 302
    assert (list_names(alice), list_names(bob)) == (["main"], ["main", BIG])
    with pytest.raises(RequestRefused):
        model_choice.resolve_model(alice, Conversation(), None, requested=BIG)
    assert model_choice.resolve_model(alice, Conversation(model=BIG), None) == ("main", BIG)
    assert "Finance" in strip_layout(admin.get(PAGE).content.decode())
    assert admin.post(OF_BIG, {}).status_code == 302
    assert list_names(bob) == ["main"] and "nobody" in admin.get(PAGE).content.decode()
    assert admin.post(OF_BIG, {"for_everyone": "on", "groups": [finance.pk]}).status_code == 302
    assert list_names(alice) == ["main", BIG] and not RestrictedModel.objects.exists()
    changes = [(row.payload["before"], row.payload["after"]) for row in AuditEntry.objects.filter(kind="model.changed")]
    assert changes == [
        ("everyone", "groups: Finance"),
        ("groups: Finance", "groups: none"),
        ("groups: none", "everyone"),
    ]


def test_main_model_and_unknown_ones_cannot_be_restricted(admin: Client, ada: User, finance: Group, big: None) -> None:
    for name in ("main", "Gone"):
        assert admin.get(f"/administration/models/environment/{name}/").status_code == 404
        with pytest.raises(ActionRefused):
            model_servers.restrict_model(ada, name, [finance])
    assert not RestrictedModel.objects.exists()


def test_only_administrators_restrict_models(alice: User, morgan: User, finance: Group, big: None) -> None:
    for user in (alice, morgan):
        with pytest.raises(ActionRefused):
            model_servers.restrict_model(user, BIG, [finance])
        assert make_client(user).post(OF_BIG, {"groups": [finance.pk]}).status_code in (403, 404)
    assert not RestrictedModel.objects.exists()


def test_group_that_is_deleted_leaves_its_model_closed(
    alice: User, bob: User, ada: User, finance: Group, big: None
) -> None:
    model_servers.restrict_model(ada, BIG, [finance])
    finance.delete()
    model_servers.refresh_page_models()
    assert list_names(bob) == list_names(alice) == ["main"]
