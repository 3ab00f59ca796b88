"""Answers that were just given, kept in memory for a while: to be read again, or as a page."""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass, replace

from medllm.records import Answer
from medllm.serve.answers import Json, answer_json
from medllm.serve.evaluated import in_words

MAX_AGE_S = 3_600.0
MAX_ANSWERS = 200


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer, whose it is, and since when."""

    id: str
    answer: Answer
    session: str
    since: float
    more: Json
    """What stands beside it on the wire: its times, the version of the index."""

    evaluation: Json | None
    """What was measured of its model."""

    def wire(self) -> Json:
        """Give it as the API does."""
        told = replace(self.answer, basis={**self.answer.basis, "evaluation": self.evaluation})
        return answer_json(told, id=self.id, **self.more)

    def for_page(self) -> Answer:
        """Give it with what was measured in words."""
        basis = {**self.answer.basis, "evaluation": in_words(self.evaluation)}
        return replace(self.answer, basis=basis)


class KeptAnswers:
    """The last answers by id; each opens to the session that asked for it only."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, KeptAnswer] = OrderedDict()

    def keep(
        self, answer: Answer, session: str, evaluation: Json | None, **more: object
    ) -> KeptAnswer:
        """Keep an answer under a new id."""
        self._forget()
        now = time.monotonic()
        kept = KeptAnswer(str(uuid.uuid4()), answer, session, now, more, evaluation)
        self._answers[kept.id] = kept
        return kept

    def find(self, answer_id: str, session: str) -> KeptAnswer | None:
        """Give an answer back to its session; None for any other, and when it is forgotten."""
        self._forget()
        kept = self._answers.get(answer_id)
        return kept if kept is not None and kept.session == session else None

    def read(self, answer_id: str, session: str) -> Answer | None:
        """Give the answer itself."""
        kept = self.find(answer_id, session)
        return kept.answer if kept is not None else None

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
