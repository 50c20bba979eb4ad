"""URLs of a collection's Test tab and search settings, and of feedback on answers."""

from __future__ import annotations

from django.urls import path

from apps.evaluation.collection_statistics import views as statistics_views
from apps.evaluation.feedback import views as feedback_views
from apps.evaluation.golden_questions import search_settings_views, views

app_name = "evaluation"
urlpatterns = [
    path("feedback/", feedback_views.show_feedback, name="feedback"),
    path("feedback/<int:pk>/", feedback_views.show_rated_turn, name="feedback_one"),
    path("feedback/<int:pk>/handled/", feedback_views.toggle_handled, name="feedback_handle"),
    path("feedback/preferences.jsonl", feedback_views.export_preference_pairs, name="preferences"),
    path("collections/<uuid:pk>/statistics/", statistics_views.show_statistics, name="statistics"),
    path("collections/<uuid:pk>/test/", views.preview_search, name="test"),
    path("collections/<uuid:pk>/golden/", views.show_questions, name="golden"),
    path("collections/<uuid:pk>/golden/state/", views.show_run_state, name="golden_state"),
    path("collections/<uuid:pk>/golden/run/", views.start_run, name="golden_run"),
    path("collections/<uuid:pk>/golden/answers/", views.start_answer_run, name="golden_answers"),
    path("collections/<uuid:pk>/settings/search/", search_settings_views.edit_search_settings, name="tuning"),
    path("collections/<uuid:pk>/settings/search/state/", search_settings_views.show_build_state, name="tuning_state"),
    path(
        "collections/<uuid:pk>/settings/search/<int:number>/swap/",
        search_settings_views.activate_build,
        name="tuning_swap",
    ),
    path(
        "collections/<uuid:pk>/settings/search/<int:number>/discard/",
        search_settings_views.discard_build,
        name="tuning_discard",
    ),
    path("collections/<uuid:pk>/golden/<int:number>/remove/", views.remove_question, name="golden_remove"),
]
