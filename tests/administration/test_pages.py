"""Contents of the administration's lists, and of its pages on models and the environment."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from apps.administration import environment
from apps.conversations.models import ModelProfile
from apps.documents.models import GroupShare, Membership, PendingMembership
from apps.privacy import retention
from apps.users.invitations import create_invitation
from apps.users.models import User
from assistant.env import HIDDEN, Env, describe_environment
from tests.factories import make_collection, make_document, make_user


def names(page: str) -> list[str]:
    """Return the e-mail addresses of a page's table in their order."""
    return re.findall(r"email\">(\w+)@example.org", page)


def test_users_are_searched_filtered_and_sorted(admin: Client, alice: User, bob: User, morgan: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    EmailAddress.objects.filter(user=morgan).update(verified=False)
    User.objects.filter(pk=alice.pk).update(last_login=timezone.now() + timedelta(hours=1))
    for query, found in (
        ("", ["ada", "alice", "bob", "morgan"]),
        ("q=BOB", ["bob"]),
        ("q=exam+mor", ["morgan"]),
        ("role=reviewer", ["morgan"]),
        ("state=suspended", ["bob"]),
        ("state=unconfirmed", ["morgan"]),
        ("state=active&role=member", ["alice"]),
        ("sort=-name", ["morgan", "bob", "alice", "ada"]),
        ("sort=-seen", ["alice", "ada", "bob", "morgan"]),
    ):
        assert names(admin.get(f"/people/?{query}").content.decode()) == found, query
    assert "No users found" in admin.get("/people/?q=zebra").content.decode()


def test_a_heading_turns_the_order_around_and_keeps_the_filters(admin: Client) -> None:
    page = admin.get("/people/?q=ada&role=administrator").content.decode()
    assert 'aria-sort="ascending"' in page
    assert 'href="?q=ada&amp;role=administrator&amp;sort=-name"' in page


def test_list_of_many_users_is_paged(admin: Client) -> None:
    for number in range(60):
        User.objects.create(email=f"p{number:02}@example.org", name=f"P {number:02}")
    first = admin.get("/people/").content.decode()
    assert "1 to 50 of 61" in first and "P 59" not in first
    assert "51 to 61 of 61" in admin.get("/people/?page=2").content.decode()
    assert "51 to 61 of 61" in admin.get("/people/?page=999").content.decode(), "the last page"


def test_a_collection_shows_figures_and_how_long_it_is_kept(admin: Client, alice: User, bob: User, ada: User) -> None:
    shelf = make_collection(alice)
    make_document(shelf, "Paper", ["A sentence."])
    Membership.objects.create(collection=shelf, user=bob)
    PendingMembership.objects.create(collection=shelf, email="later@example.org")
    GroupShare.objects.create(collection=shelf, group=Group.objects.create(name="Team"))
    retention.change_rule(alice, retention.Scope.COLLECTION, 30, shelf.pk)
    make_collection(bob, "Other")
    page = re.sub(r"\s+", " ", admin.get("/administration/collections/").content.decode())
    assert "2 users, 1 group" in page and "30 days" in page and "until deleted" in page
    found = admin.get("/administration/collections/?q=bob").content.decode()
    assert "Other" in found and shelf.name not in found
    upwards = admin.get("/administration/collections/?sort=documents").content.decode()
    downwards = admin.get("/administration/collections/?sort=-documents").content.decode()
    assert upwards.index("Other") < upwards.index(shelf.name) and downwards.index(shelf.name) < downwards.index("Other")


@pytest.mark.parametrize("page", ["/people/", "/people/groups/", "/administration/collections/"])
def test_a_long_list_asks_few_questions(admin: Client, page: str, django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        user = make_user(f"p{number}")
        user.groups.add(Group.objects.create(name=f"g{number}"))
        make_collection(user)
    with django_assert_max_num_queries(17):
        admin.get(page)


def test_a_group_says_how_many_belong_to_it_and_what_is_shared_with_it(admin: Client, alice: User, bob: User) -> None:
    group = Group.objects.create(name="Team")
    for user in (alice, bob):
        user.groups.add(group)
        GroupShare.objects.create(collection=make_collection(user), group=group)
    GroupShare.objects.create(collection=make_collection(bob, "Third"), group=group)
    page = admin.get("/people/groups/").content.decode()
    assert re.findall(r"<td[^>]*>(\d+)</td>", page) == ["2", "3"]


def test_moments_are_relative_with_the_exact_time_on_hover(admin: Client, ada: User, alice: User) -> None:
    make_collection(alice)
    create_invitation(ada)
    for path, count in (("/administration/collections/", 1), (f"/people/{alice.pk}/", 1), ("/people/", 2)):
        page = admin.get(path).content.decode()
        assert len(re.findall(r'<time [^>]*title="[^"]+ UTC" data-exact>', page)) >= count, path


def test_names_are_shown_as_text(admin: Client, alice: User) -> None:
    evil = "<img src=x onerror=alert(1)>{{7*7}}"
    User.objects.filter(pk=alice.pk).update(name=evil)
    alice.groups.add(Group.objects.create(name=evil))
    shelf = make_collection(alice)
    type(shelf).objects.filter(pk=shelf.pk).update(name=evil)
    for part in ("/people/", f"/people/{alice.pk}/", "/people/groups/", "/administration/collections/"):
        page = admin.get(part).content.decode()
        assert "<img src=x" not in page and "&lt;img src=x" in page


def test_environment_variables_are_all_shown_with_their_description(admin: Client) -> None:
    assert {row.name for row in environment.list_variables()} == set(Env.model_fields)
    page = admin.get("/administration/environment/").content.decode()
    assert "<code>MAX_PAGES</code>" in page and "Longest document that is read, in pages." in page
    defaults = {row.name for row in environment.list_variables() if not row.is_set}
    assert set(re.findall(r'<tr class="is-default">\s*<th scope="row"><code>(\w+)</code>', page)) == defaults


def test_secrets_of_the_environment_are_not_shown() -> None:
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
    assert all(f"<code>{variable}</code>" in page for _, _, variable in environment.ENGINES.values())
    assert all(str(purpose) in page for _, purpose, _ in environment.ENGINES.values())


def test_a_model_profile_shows_which_sentences_are_shown(admin: Client) -> None:
    row = ModelProfile.objects.create(name="Quill")
    page = admin.get("/administration/models/").content.decode()
    assert f'<td data-name="Sentences shown">{row.get_shown_sentences_display()}</td>' in page


def test_the_settings_link_to_the_environment(admin: Client) -> None:
    assert '<a href="/administration/environment/">Server settings</a>' in admin.get("/settings/").content.decode()
