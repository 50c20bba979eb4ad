"""Translate filters of SCIM to conditions of the database. Entry point: `build_condition`."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from scim2_models import InvalidFilterException, ScimFilter
from scim2_models.path import AttrPath, CompareOperator, Comparison, FilterVisitor, LogicalExpr, LogicalOperator, Not

# By attribute in lower case: the field, and whether its text is compared with case.
USER_FIELDS = {
    "id": ("user_id", True),
    "externalid": ("external_id", True),
    "username": ("user_name_key", True),
    "displayname": ("user__name", False),
    "emails": ("user__email", False),
    "emails.value": ("user__email", False),
    "active": ("active", True),
}
GROUP_FIELDS = {
    "id": ("group_id", True),
    "externalid": ("external_id", True),
    "displayname": ("group__name", False),
    "members": ("group__user", True),
    "members.value": ("group__user", True),
}
_LOOKUPS = {
    CompareOperator.eq: "exact", CompareOperator.co: "contains", CompareOperator.sw: "startswith",
    CompareOperator.ew: "endswith",
}  # fmt: skip
_NUMBERS = ("user_id", "group_id", "group__user")


def build_condition(asked: ScimFilter[Any] | None, fields: dict[str, tuple[str, bool]]) -> Q:
    """Return the condition; all rows for None. Raise InvalidFilterException for what cannot be compared here."""
    return Q() if asked is None else _Conditions(fields).visit(asked.ast)


class _Conditions(FilterVisitor[Q]):
    def __init__(self, fields: dict[str, tuple[str, bool]]) -> None:
        self._fields = fields

    def visit_comparison(self, node: Comparison) -> Q:
        field, has_case = self._find(node.attr_path)
        if node.op == CompareOperator.ne:
            return ~self._compare(field, CompareOperator.eq, node.value, has_case)
        return self._compare(field, node.op, node.value, has_case)

    def visit_logical_expr(self, node: LogicalExpr) -> Q:
        found = Q()
        for term in node.terms:
            found = found & self.visit(term) if node.op == LogicalOperator.and_ else found | self.visit(term)
        return found

    def visit_not(self, node: Not) -> Q:
        return ~self.visit(node.expr)

    def visit_present(self, node: Any) -> Q:
        raise InvalidFilterException(detail="“pr” cannot be used here.")

    def visit_value_path(self, node: Any) -> Q:
        raise InvalidFilterException(detail="Filters inside of an attribute cannot be used here.")

    def _find(self, path: AttrPath) -> tuple[str, bool]:
        name = f"{path.attr}.{path.sub_attr}" if path.sub_attr else path.attr
        try:
            return self._fields[name.casefold()]
        except KeyError:
            raise InvalidFilterException(detail=f"“{name}” cannot be filtered by here.") from None

    @staticmethod
    def _compare(field: str, operator: CompareOperator, value: Any, has_case: bool) -> Q:
        if operator not in _LOOKUPS:
            raise InvalidFilterException(detail=f"“{operator.value}” cannot be used here.")
        if field in _NUMBERS:
            known = operator == CompareOperator.eq and isinstance(value, str) and value.isascii() and value.isdigit()
            return Q(**{field: int(value)}) if known and len(value) <= 18 else Q(pk__in=[])
        if field == "active":
            return Q(active=str(value).casefold() == "true")
        if field == "user_name_key":  # beyond ASCII, SQLite compares with case
            value = str(value).casefold()
        return Q(**{f"{field}__{'' if has_case else 'i'}{_LOOKUPS[operator]}": str(value)})
