"""Published OpenAPI description: the ids by which generated clients name their methods."""

from collections import Counter

from apps.api.api import api


def test_operation_ids_are_unique_and_name_no_module() -> None:
    schema = api.get_openapi_schema()
    ids = [operation["operationId"] for methods in schema["paths"].values() for operation in methods.values()]
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    assert not [name for name in ids if name.startswith("apps")]
    assert schema["paths"]["/api/collections"]["get"]["operationId"] == "list_collections"
    assert schema["paths"]["/v1/chat/completions"]["post"]["operationId"] == "create_chat_completion"
