"""Contents of the administration's lists, and of its pages on models and the environment."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from apps.administration import environment
from apps.documents.models import GroupShare, Membership
from apps.privacy import retention
from apps.users.models import User
from assistant.env import HIDDEN, Env, describe_environment
from tests.documents.factories import collection, document
from tests.support.users import make_user


def test_people_are_listed_searched_and_ordered(admin: Client, alice: User, bob: User) -> None:
    alice.groups.add(Group.objects.create(name="Northerners"))
    page = admin.get("/administration/users/user/").content.decode()
    assert "alice@example.org" in page and "Northerners" in page and "3 rows" in page
    found = admin.get("/administration/users/user/?q=bob").content.decode()
    assert "bob@example.org" in found and "alice@example.org" not in found
    assert "Nothing was found." in admin.get("/administration/users/user/?q=zebra").content.decode()
    downwards = admin.get("/administration/users/user/?o=-1").content.decode()
    assert downwards.index("bob@example.org") < downwards.index("alice@example.org")


def test_a_collection_shows_figures_and_how_long_it_is_kept(admin: Client, alice: User, bob: User, ada: User) -> None:
    shelf = collection(alice)
    document(shelf, "Paper", ["A sentence."])
    Membership.objects.create(collection=shelf, user=bob)
    GroupShare.objects.create(collection=shelf, group=Group.objects.create(name="Team"))
    retention.change_rule(alice, retention.Scope.COLLECTION, 30, shelf.pk)
    collection(bob, "Other")
    page = admin.get("/administration/documents/collection/").content.decode()
    assert "1 person, 1 group" in page and "30 days" in page and "Until it is deleted" in page
    one = admin.get(f"/administration/documents/collection/{shelf.pk}/change/").content.decode()
    assert "1 person, 1 group" in one and "30 days" in one


@pytest.mark.parametrize("kind", ["users/user/", "auth/group/", "documents/collection/"])
def test_a_long_list_asks_few_questions(admin: Client, kind: str, django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        user = make_user(f"p{number}")
        user.groups.add(Group.objects.create(name=f"g{number}"))
        collection(user)
    with django_assert_max_num_queries(12):
        admin.get(f"/administration/{kind}")


def test_names_are_shown_as_text(admin: Client, alice: User) -> None:
    evil = "<img src=x onerror=alert(1)>{{7*7}}"
    User.objects.filter(pk=alice.pk).update(name=evil)
    alice.groups.add(Group.objects.create(name=evil))
    shelf = collection(alice)
    type(shelf).objects.filter(pk=shelf.pk).update(name=evil)
    for part in ("users/user/", f"users/user/{alice.pk}/change/", "auth/group/", "documents/collection/"):
        page = admin.get(f"/administration/{part}").content.decode()
        assert "<img src=x" not in page and "&lt;img src=x" in page


def test_every_variable_is_shown_with_its_description(admin: Client) -> None:
    assert {row.name for row in environment.list_variables()} == set(Env.model_fields)
    page = admin.get("/administration/environment/").content.decode()
    assert "<code>MAX_PAGES</code>" in page and "Longest document that is read, in pages." in page


def test_no_secret_of_the_environment_is_shown() -> None:
    given = {
        "SECRET_KEY": "hush" * 9, "LLM_API_KEY": "hush", "GUARD_API_KEY": "hush", "IMAGE_API_KEY": "hush",
        "MCP_TOKENS": '{"wiki": "hush"}', "MCP_COMMANDS": '{"a": ["b", "hush"]}', "DATABASE_URL": "postgresql://u:hush@h/n",
        "REDIS_URL": "redis://:hush@h:6379/0", "EMAIL_URL": "smtp://u:hush@h:587", "PGVECTOR_URL": "postgresql://hush@h/n",
        "MILVUS_URL": "http://root:hush@h:19530", "LLM_URL": "http://u:hush@h/v1", "GUARD_URL": "http://hush@h/v1",
        "IMAGE_URL": "http://u:hush@h/v1", "LLM_MORE": '[{"name": "B", "url": "http://u:hush@h/v1"}]',
        "LLM_ENGINE_ARGS": "--max-model-len 4096 --api-key hush",
    }  # fmt: skip
    found = describe_environment(given)
    assert "hush" not in str(found) and found["SECRET_KEY"][:2] == (HIDDEN, True)
    assert found["DATABASE_URL"][:2] == (f"postgresql://{HIDDEN}@h/n", True)
    assert found["MAX_PAGES"][:2] == ("3000", False) and found["TITLES"][:2] == ("1", False)
    assert describe_environment({})["SECRET_KEY"][:2] == ("", False)


def test_models_and_engines_name_their_variables(admin: Client) -> None:
    page = admin.get("/administration/models/").content.decode()
    assert all(f"<code>{variable}</code>" in page for _, variable in environment.ENGINES.values())
