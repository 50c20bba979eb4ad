"""Generated requests never cause a server error, nor a response that the API's description does not allow."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from apps.api.api import api
from apps.users.models import User
from tests.api.conftest import headers
from tests.factories import make_collection, make_document

pytestmark = pytest.mark.django_db(transaction=True)


described = schemathesis.openapi.from_dict(api.get_openapi_schema())
described.app = get_wsgi_application()
OPERATIONS = [result.ok() for result in described.get_all_operations()]


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_generated_requests_cause_no_server_error(operation: Any, alice: User) -> None:
    make_document(make_collection(alice), "Bees", ["A honey bee colony has one queen."])
    sent = {"Authorization": headers(alice)["HTTP_AUTHORIZATION"]}

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    @given(case=operation.as_strategy())
    def meets(case: Any) -> None:
        case.call_and_validate(headers=sent, checks=[not_a_server_error, response_schema_conformance])

    meets()


def test_operations_of_the_api_are_all_fuzzed() -> None:
    assert len(OPERATIONS) == 27
