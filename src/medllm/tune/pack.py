"""Packing: records into rows of one window each, so that hardly a token is padding."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence


def best_fit(lengths: Sequence[int], window: int) -> list[list[int]]:
    """Give rows of record numbers: the longest first, each into the fullest row that has room.

    Best fit decreasing: at most 11/9 of the fewest possible rows (Johnson 1973). No record is
    split. Raises `ValueError` for one that is longer than the window.
    """
    if any(length > window for length in lengths):
        raise ValueError("a record is longer than the window")
    rows: list[list[int]] = []
    with_room: dict[int, list[int]] = {}  # free tokens -> rows that have just so many
    free: list[int] = []  # the keys of with_room, sorted
    for record in sorted(range(len(lengths)), key=lambda n: (-lengths[n], n)):
        length = lengths[record]
        at = bisect_left(free, length)
        if at == len(free):
            row, room = len(rows), window
            rows.append([])
        else:
            room = free[at]
            row = with_room[room].pop()
            if not with_room[room]:
                del with_room[room], free[at]
        rows[row].append(record)
        left = room - length
        if left not in with_room:
            with_room[left] = []
            insort(free, left)
        with_room[left].append(row)
    return rows
