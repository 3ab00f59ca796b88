"""Counts and times for Prometheus: numbers by route, status and step, and nothing of a patient."""

from __future__ import annotations

import bisect
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping

from medllm.ask.road import Step

_BUCKETS_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Metrics:
    """Thread-safe counters and one histogram for each step."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._answers: Counter[str] = Counter()
        self._buckets: defaultdict[str, list[int]] = defaultdict(lambda: [0] * len(_BUCKETS_S))
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._counts: Counter[str] = Counter()

    def count_request(self, method: str, route: str, status: int) -> None:
        """Count a response; `route` is the template, never the address itself."""
        with self._lock:
            self._requests[method, route, status] += 1

    def count_answer(self, state: str) -> None:
        """Count an answer by what became of it."""
        with self._lock:
            self._answers[state] += 1

    def observe(self, step: str, seconds: float) -> None:
        """Record how long a step took."""
        with self._lock:
            at = bisect.bisect_left(_BUCKETS_S, seconds)
            if at < len(_BUCKETS_S):
                self._buckets[step][at] += 1
            self._sums[step] += seconds
            self._counts[step] += 1

    def observe_step(self, step: Step, seconds: float) -> None:
        """Record when findings, evidence and the answer were there, since the road was begun."""
        if step.findings is not None:
            self.observe("findings", seconds)
        elif step.evidence is not None:
            self.observe("search", seconds)
        elif step.answer is not None:
            self.observe("answer", seconds)

    def text(self, gauges: Mapping[str, float]) -> str:
        """Give everything in Prometheus's text format 0.0.4, with the gauges of the moment."""
        with self._lock:
            lines = [*self._request_lines(), *self._answer_lines(), *self._step_lines()]
        for name, value in gauges.items():
            lines += [f"# TYPE medllm_{name} gauge", f"medllm_{name} {value:g}"]
        return "\n".join(lines) + "\n"

    def _request_lines(self) -> list[str]:
        head = "# TYPE medllm_requests_total counter"
        return [head] + [
            f'medllm_requests_total{{method="{method}",route="{route}",status="{status}"}} {n}'
            for (method, route, status), n in sorted(self._requests.items())
        ]

    def _answer_lines(self) -> list[str]:
        head = "# TYPE medllm_answers_total counter"
        return [head] + [
            f'medllm_answers_total{{state="{state}"}} {n}'
            for state, n in sorted(self._answers.items())
        ]

    def _step_lines(self) -> list[str]:
        lines = ["# TYPE medllm_step_seconds histogram"]
        for step in sorted(self._counts):
            name, total = "medllm_step_seconds", 0
            for bound, n in zip(_BUCKETS_S, self._buckets[step], strict=True):
                total += n
                lines.append(f'{name}_bucket{{step="{step}",le="{bound:g}"}} {total}')
            lines.append(f'{name}_bucket{{step="{step}",le="+Inf"}} {self._counts[step]}')
            lines.append(f'{name}_sum{{step="{step}"}} {self._sums[step]:.6f}')
            lines.append(f'{name}_count{{step="{step}"}} {self._counts[step]}')
        return lines
