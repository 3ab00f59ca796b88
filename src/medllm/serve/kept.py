"""Answers that were just given, kept in memory for a while so that they can be taken as a page."""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass

from medllm.records import Answer

MAX_AGE_S = 3_600.0
MAX_ANSWERS = 200


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer, whose it is, and since when."""

    answer: Answer
    session: str
    since: float


class KeptAnswers:
    """The last answers by id; each opens to the session that asked for it only."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, KeptAnswer] = OrderedDict()

    def keep(self, answer: Answer, session: str) -> str:
        """Keep an answer; give its id."""
        self._forget()
        answer_id = str(uuid.uuid4())
        self._answers[answer_id] = KeptAnswer(answer, session, time.monotonic())
        return answer_id

    def read(self, answer_id: str, session: str) -> Answer | None:
        """Give an answer back to its session; None for any other, and when it is forgotten."""
        self._forget()
        kept = self._answers.get(answer_id)
        return kept.answer if kept is not None and kept.session == session else None

    def forget_session(self, session: str) -> None:
        """Forget what a session asked."""
        for answer_id in [i for i, kept in self._answers.items() if kept.session == session]:
            del self._answers[answer_id]

    def _forget(self) -> None:
        oldest = time.monotonic() - MAX_AGE_S
        while self._answers:
            first = next(iter(self._answers.values()))
            if len(self._answers) < MAX_ANSWERS and first.since >= oldest:
                return
            self._answers.popitem(last=False)
