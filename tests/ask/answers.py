"""Invented answers for the tests of the page: rich, abstained, broken off, poisoned, long.

Every patient, article, journal and address is made up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from medllm.records import (
    Answer,
    Citation,
    Claim,
    Document,
    Finding,
    Hit,
    Note,
    Passage,
    Section,
    Summary,
    Verdict,
)
from tests.ask.texts import ARTICLES, FINDINGS, NOTE, PATIENTS


def finding(text: str, kind: Any, normalised: str, within: str, **more: Any) -> Finding:
    start = within.index(text)
    return Finding(
        text=text, start=start, end=start + len(text), kind=kind, normalised=normalised, **more
    )


def _hits(rows: list[Any], kind: Any, **common: Any) -> tuple[Hit, ...]:
    hits = []
    for rank, (id_, title, text, more, why) in enumerate(rows, start=1):
        document = Document(id=id_, kind=kind, title=title, text=text, **(common | more))
        passage = Passage(document_id=id_, start=0, end=len(text), text=text)
        hits.append(Hit(document=document, passage=passage, score=20.0 / rank, rank=rank, why=why))
    return tuple(hits)


def patients() -> tuple[Hit, ...]:
    url = "https://cases.example/patients"
    return _hits(PATIENTS, "patients", source="Invented Case Reports", url=url)


def articles() -> tuple[Hit, ...]:
    return _hits(ARTICLES, "articles")


def cut_passage(hit: Hit, first: str, last: str) -> Hit:
    """Give the hit with a passage that runs from the words `first` to the words `last`."""
    text = hit.document.text
    start, end = text.index(first), text.index(last) + len(last)
    passage = Passage(document_id=hit.document.id, start=start, end=end, text=text[start:end])
    return replace(hit, passage=passage)


def evidence() -> tuple[Hit, ...]:
    found = patients()
    inner = cut_passage(found[0], "She kept", "for three days.")
    return (inner, found[1], found[2], *articles())


def cite(number: int, sentence: str, hits: tuple[Hit, ...]) -> Citation:
    start = hits[number - 1].document.text.index(sentence)
    return Citation(number=number, start=start, end=start + len(sentence))


def rich_answer() -> Answer:
    hits = evidence()

    def claim(
        section: Section,
        text: str,
        *sources: tuple[int, str],
        verdict: Verdict = "quoted",
        reason: str = "",
    ) -> Claim:
        citations = tuple(
            cite(n, s or text, hits) if s != "-" else Citation(number=n) for n, s in sources
        )
        return Claim(
            text=text, citations=citations, verdict=verdict, section=section, reason=reason
        )

    claims = (
        claim(
            "presentation", "She kept two parrots, one of which had died a week before.", (1, "")
        ),
        claim(
            "presentation",
            "On arrival her temperature was 39.4 °C and oxygen saturation was 87 % on room air.",
            (1, ""),
        ),
        claim(
            "presentation",
            "A man of 55 with pleuritic pain had no fever and a pulmonary embolism.",
            (2, "There was no fever."),
            (2, "CT angiography showed a segmental pulmonary embolism of the right lower lobe"),
            verdict="supported",
        ),
        claim("work-up", "Legionella urinary antigen was positive.", (3, "")),
        claim(
            "treatment",
            "She was treated with doxycycline 200 mg twice daily for 14 days.",
            (1, "She was treated with doxycycline 100 mg twice daily for 14 days"),
            verdict="number not in source",
            reason="200 mg is not in source 1",
        ),
        claim(
            "outcome",
            "She left hospital on day 9 and was well at six weeks.",
            (1, ""),
        ),
        claim(
            "articles",
            "In 212 patients with psittacosis, 38 % had a sodium below 130 mmol/L.",
            (4, ""),
        ),
        claim(
            "articles",
            "Fever excludes pulmonary embolism.",
            (6, "Fever did not exclude embolism."),
            verdict="negation differs",
        ),
        claim(
            "articles", "Vitamin C has been tried in pneumonia.", (5, "-"), verdict="unsupported"
        ),
        claim("summary", "A course of steroids shortens the illness.", verdict="uncited"),
        claim("summary", "Bird exposure matters.", (9, "-"), verdict="unknown source"),
        claim(
            "summary",
            "A low sodium and a low white cell count with a dry cough point towards an atypical "
            "pathogen, and bird exposure was reported by most patients with psittacosis.",
            (4, "Hyponatraemia, a normal or low white cell count and a dry cough point towards "),
            (4, "Exposure to birds was reported by 71 % of them."),
            verdict="supported",
        ),
    )
    return Answer(
        note=Note(text=NOTE),
        findings=tuple(finding(t, k, n, NOTE, **more) for t, k, n, more in FINDINGS),
        patients=patients(),
        articles=articles(),
        evidence=hits,
        summary=Summary(
            claims=claims,
            model="ollama:invented-8b",
            prompt="summary/3",
            not_found=("penicillin allergy", "crackles"),
        ),
        basis=basis(),
    )


def basis() -> dict[str, Any]:
    return {
        "medllm": "0.1.0",
        "date": "2026-11-20",
        "model": {"spec": "ollama:invented-8b", "temperature": 0.0, "context_tokens": 8192},
        "index": {
            "path": "idx",
            "encoder": "offline-encoder",
            "documents": {"patients": 1000, "articles": 82},
            "built": "2026-11-19T10:12:00Z",
        },
        "search": "hybrid, 4 patients and 3 articles asked for, threshold 0.32",
        "not_searched_for": ["haemoptysis", "leg swelling", "breast cancer", "asthma"],
        "seconds": {"findings": 0.012, "search": 0.034, "summary": 8.41},
        "repaired": True,
        "evaluation": None,
        "limits": [
            "The articles of the index end in 2024; later work is not in it.",
            "Of 1,082 documents 7 are not in English and were not searched by words.",
        ],
    }


def abstained_answer() -> Answer:
    """Give an answer that found nothing: neither literature nor, therefore, a summary."""
    why = "no passage reached the threshold of 0.32 (best: 0.11)."
    summary = Summary(claims=(), model="extractive", abstained=why)
    return replace(rich_answer(), patients=(), articles=(), evidence=(), summary=summary)


def incomplete_answer() -> Answer:
    whole = rich_answer()
    reason = "the model server closed the connection after 3 sentences"
    summary = replace(whole.summary, claims=whole.summary.claims[:3], incomplete=reason)
    return replace(whole, summary=summary)


def long_answer(n_words: int = 10_000) -> Answer:
    """Give an answer with a note of more than `n_words` words and 60 claims."""
    whole = rich_answer()
    times = n_words // len(NOTE.split()) + 1
    findings = tuple(
        replace(f, start=f.start + at * len(NOTE), end=f.end + at * len(NOTE))
        for at in range(times)
        for f in whole.findings
    )
    summary = replace(whole.summary, claims=whole.summary.claims * 5)
    return replace(whole, note=Note(text=NOTE * times), findings=findings, summary=summary)


def poisoned_answer(payload: str) -> Answer:
    """Give an answer with `payload` in every text that anybody but medllm writes."""
    note = f"{payload} and fever {payload}"
    at = len(payload)
    bad: Any = payload
    marked = Finding(
        text=payload, start=0, end=at, kind="symptom", normalised=payload, unit=payload, value=1.0
    )
    whole = Finding(text=note, start=0, end=len(note), kind=bad, normalised=payload, site=payload)
    table = replace(marked, kind="result", source=payload, flag="high")
    document = Document(
        id=payload,
        kind="articles",
        title=payload,
        text=note,
        source=payload,
        url=payload,
        licence=payload,
        mesh=(payload,),
        publication_types=(payload,),
        retracted=True,
    )
    untitled = replace(document, title="", kind="patients", url=f"https://cases.example/{payload}")
    hits = tuple(
        Hit(
            document=d,
            passage=Passage(document_id=payload, start=0, end=len(note), text=note),
            score=1.0,
            rank=rank,
            why=(payload,),
        )
        for rank, d in enumerate((document, untitled), start=1)
    )
    citations = (Citation(number=1, start=0, end=at), Citation(number=2), Citation(number=7))
    claims = tuple(
        Claim(text=payload, citations=citations, verdict=verdict, section=section, reason=payload)
        for verdict, section in (("unsupported", "summary"), (bad, bad))
    )
    summary = Summary(
        claims=claims,
        model=payload,
        prompt=payload,
        abstained=payload,
        incomplete=payload,
        not_found=(payload,),
    )
    inner = {payload: [payload, {payload: payload}]}
    return Answer(
        note=Note(text=note, id=payload),
        findings=(marked, whole, table, replace(marked, negated=True)),
        patients=hits,
        articles=(replace(hits[0], document=replace(document, id="other")),),
        evidence=hits,
        summary=summary,
        basis={payload: payload, "nested": inner},
    )
