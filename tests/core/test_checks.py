from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polymem.core.checks import checked, checked_fields
from polymem.core.errors import InvalidInput, TooLarge
from polymem.core.model import MAX_CONTENT_BYTES, Draft


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"content": ""}, "content is required"),
        ({"content": " \n"}, "content is required"),
        ({"content": 5}, "content must be a string"),
        ({"content": "a\x00b"}, "NUL"),
        ({"content": "\ud800"}, "surrogate"),
        ({"importance": 0}, "1 to 10"),
        ({"importance": True}, "whole number"),
        ({"importance": 5.0}, "whole number"),
        ({"weight": 0.05}, "0.1 to 1"),
        ({"confidence": float("nan")}, "0 to 1"),
        ({"tags": "one"}, "list of strings"),
        ({"tags": ["ok", ""]}, "a tag is required"),
        ({"tags": [str(n) for n in range(101)]}, "more than 100 tags"),
        ({"kind": ""}, "kind is required"),
        ({"metadata": {"n": float("inf")}}, "not finite"),
        ({"metadata": {"n": 2**63}}, "64 bits"),
        ({"metadata": {"s": "\x00"}}, "NUL"),
        ({"metadata": {"s": {1, 2}}}, "JSON does not know"),
        ({"metadata": []}, "must be an object"),
        ({"occurred_at": datetime(2026, 1, 1)}, "time zone"),  # noqa: DTZ001 - what is refused
        ({"valid_from": datetime(2026, 1, 2, tzinfo=UTC), "valid_to": datetime(2026, 1, 1, tzinfo=UTC)}, "lies before"),
        ({"colour": "red"}, "not a field"),
    ],
)
def test_a_broken_rule_is_refused_with_a_sentence(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        checked_fields(fields)


def test_a_text_of_exactly_one_mebibyte_is_kept_and_one_byte_more_is_not() -> None:
    assert checked(Draft(content="x" * MAX_CONTENT_BYTES)).content == "x" * MAX_CONTENT_BYTES
    with pytest.raises(TooLarge):
        checked(Draft(content="x" * (MAX_CONTENT_BYTES - 1) + "é"))


def test_deep_metadata_is_refused_before_it_can_exhaust_anything() -> None:
    deep: dict[str, object] = {}
    for _ in range(10_000):
        deep = {"d": deep}

    with pytest.raises(InvalidInput, match="nested deeper"):
        checked_fields({"metadata": deep})


def test_an_error_in_a_batch_names_its_place() -> None:
    with pytest.raises(InvalidInput) as refused:
        checked(Draft(content="x", importance=11), index=3)

    assert (refused.value.field, refused.value.index) == ("importance", 3)


def test_repeated_tags_count_once_and_instants_become_utc() -> None:
    draft = checked(
        Draft(
            content="x",
            tags=("b", "a", "b"),
            occurred_at=datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        )
    )

    assert draft.tags == ("b", "a")
    assert draft.occurred_at == datetime(2026, 1, 1, tzinfo=UTC)


@given(st.text())
def test_every_text_is_either_kept_unchanged_or_refused(content: str) -> None:
    try:
        assert checked(Draft(content=content)).content == content
    except InvalidInput:
        assert not content.strip() or "\x00" in content
