"""Postings stay complete through freezing and merging, and their views stay as they were."""

import random

import numpy as np

from polymem.storage.search import Terms
from polymem.storage.search.postings import Postings, PostingsView, compacted


def entry(counts: dict[int, int]) -> bytes:
    ids = sorted(counts)
    return Terms(tuple(ids), tuple(counts[id_] for id_ in ids), sum(counts.values())).encode()


def texts(count: int, seed: int = 0) -> list[dict[int, int]]:
    drawn = random.Random(seed)
    return [
        {drawn.randrange(200): drawn.choice((1, 2, 300, 70_000)) for _ in range(drawn.randrange(12))}
        for _ in range(count)
    ]


def contents(view: PostingsView, size: int) -> dict[int, dict[int, float]]:
    found = view.lookup(range(200), size)
    return {term: dict(zip(rows.tolist(), counts.tolist(), strict=True)) for term, (rows, counts) in enumerate(found)}


def expected(kept: list[dict[int, int]]) -> dict[int, dict[int, float]]:
    return {term: {row: text[term] for row, text in enumerate(kept) if term in text} for term in range(200)}


def test_rows_added_in_any_portions_are_all_found() -> None:
    kept = texts(7000)
    drawn = random.Random(1)
    postings, added = Postings(), 0
    while added < len(kept):
        portion = kept[added : added + drawn.choice((1, 1, 1, 5, 40, 300, 1500))]
        lengths = postings.add(added, [entry(text) for text in portion])
        assert lengths == [sum(text.values()) for text in portion]
        added += len(portion)
    assert contents(postings.view(), len(kept)) == expected(kept)


def test_segments_are_merged_so_that_there_are_few() -> None:
    postings = Postings()
    for row in range(20_000):
        postings.add(row, [entry({row % 7: 1})])
    assert len(postings.view().segments) <= 3 * 8


def test_a_view_shows_what_there_was_when_it_was_taken() -> None:
    kept = texts(3000)
    postings, views = Postings(), []
    for row, text in enumerate(kept):
        postings.add(row, [entry(text)])
        if row % 500 == 250:
            views.append((row + 1, postings.view()))
    for size, view in views:
        assert contents(view, size) == expected(kept[:size])


def test_missing_entries_take_no_room() -> None:
    postings = Postings()
    assert postings.add(0, [None, entry({3: 2}), b""]) == [0, 2, 0]
    assert postings.add(3, [None] * 300) == [0] * 300
    assert contents(postings.view(), 303) == expected([{}, {3: 2}])


def test_compaction_keeps_the_chosen_rows_under_new_numbers() -> None:
    kept = texts(2000)
    postings = Postings()
    postings.add(0, [entry(text) for text in kept[:1500]])
    for row in range(1500, 2000):
        postings.add(row, [entry(kept[row])])
    alive = [row for row in range(1990) if row % 3]
    numbers = np.full(1990, -1)
    numbers[alive] = np.arange(len(alive))
    smaller = compacted(postings.view(), numbers)
    assert contents(smaller.view(), len(alive)) == expected([kept[row] for row in alive])
    assert smaller.nbytes < postings.nbytes
