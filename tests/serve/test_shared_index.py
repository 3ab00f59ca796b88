"""One index for many threads: a writer is alone, and nobody starves."""

from __future__ import annotations

import threading

from medllm.serve.shared_index import Gate


def test_a_writer_is_alone_and_readers_are_together() -> None:
    gate, inside, wrong = Gate(), [0, 0], []
    lock = threading.Lock()

    def enter(kind: int, n: int) -> None:
        with lock:
            inside[kind] += n
            if inside[1] > 1 or (inside[0] and inside[1]):
                wrong.append(tuple(inside))

    def read() -> None:
        for _ in range(300):
            with gate.reading(), gate.reading():
                enter(0, 1)
                enter(0, -1)

    def write() -> None:
        for _ in range(100):
            with gate.writing(), gate.reading():
                enter(1, 1)
                enter(1, -1)

    threads = [threading.Thread(target=target) for target in [read] * 6 + [write] * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert wrong == []


def test_a_reader_gets_in_between_writers_who_come_one_after_another() -> None:
    gate, order = Gate(), list[str]()
    is_writing, may_end = threading.Event(), threading.Event()

    def write() -> None:
        for number in range(50):
            with gate.writing():
                is_writing.set()
                may_end.wait(10)
                order.append(f"write {number}")

    def read() -> None:
        with gate.reading():
            order.append("read")

    writer, reader = threading.Thread(target=write), threading.Thread(target=read)
    writer.start()
    assert is_writing.wait(10)
    reader.start()
    while not gate._readers_waiting:
        pass
    may_end.set()
    reader.join(10)
    writer.join(10)
    assert order.index("read") == 1
