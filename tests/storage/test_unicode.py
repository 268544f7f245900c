"""Whatever text is sent comes back byte for byte."""

import json
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from polymem.core.filters import ContainerIs, IdIn, KindIn, MetadataIs, Sort, TagsAll
from polymem.core.model import MAX_CONTENT_BYTES
from polymem.core.people import Scope
from polymem.core.ports import Store
from tests.storage.support import NOW, changed, inserts, keep, memory, new_scope, project

# The core refuses these two, and only these two.
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=40)
scalars = st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False) | text
finite = scalars.filter(lambda value: value not in (float("inf"), float("-inf")))
values = st.recursive(finite, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3))
metadata = st.dictionaries(text | st.just(""), values, max_size=4)

on_both_databases = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@on_both_databases
@given(text, text, text, st.lists(text, unique=True, max_size=4), metadata)
@example("\r\n", "\ufeff", "\u200b", ["e\u0301", "é"], {"1": 1e22, "big": 2**60, "float": 1.0, "zero": -0.0})
async def test_any_text_comes_back_and_is_found(
    store: Store, content: str, name: str, kind: str, tags: list[str], meta: dict[str, Any]
) -> None:
    scope = await new_scope(store)
    home = await store.put_project(scope, project(scope, name, description=content))
    kept = memory(
        scope,
        content,
        id=name,
        kind=kind,
        project=home,
        container=name,
        title=kind,
        tags=tuple(tags),
        metadata=meta,
        context=content,
    )
    await store.apply(scope, inserts([kept]))
    assert await store.apply(scope, inserts([memory(scope, content, project=home)], unless_duplicate=True)) == [name]
    await store.apply(scope, [changed(kept, content=content + name)])
    await store.apply(scope, [changed(changed(kept, content=content + name).memory, content=content)])

    found = (await store.get_many(scope, [name]))[name]
    assert (found.content, found.kind, found.container, found.tags) == (content, kind, name, tuple(tags))
    assert json.dumps(found.metadata) == json.dumps(meta)
    history = await store.history(scope, name)
    assert [version.memory.content for version in history] == [content, content + name, content]
    assert json.dumps(history[0].memory.metadata) == json.dumps(meta)
    assert await store.project(scope, key=name) == home
    filter_ = (IdIn(frozenset({name})), KindIn(frozenset({kind})), ContainerIs(name), TagsAll(frozenset(tags)))
    named = tuple(MetadataIs(key, value) for key, value in meta.items() if isinstance(value, (str, int, float, bool)))
    assert (await store.find(scope, (*filter_, *named), Sort(), 10, 0)).items == (found,)


async def test_the_longest_text_is_kept_whole(store: Store, scope: Scope) -> None:
    longest = ("ä🐈\n" * (MAX_CONTENT_BYTES // 7 + 1)).encode()[:MAX_CONTENT_BYTES].decode(errors="ignore")
    (kept,) = await keep(store, scope, memory(scope, longest))
    assert (await store.get_many(scope, [kept.id]))[kept.id].content == longest
    assert await store.find_duplicate(scope, None, longest, NOW) == kept
    assert (await store.verify(repair=False, model=None)).problems == ()
