"""Whatever an answer holds, its page is sound and shows every text exactly where it belongs."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.ask.page.render import render_page
from medllm.records import Answer, Citation, Claim, Document, Finding, Hit, Note, Passage, Summary
from tests.ask.page_reader import Reader, as_shown, assert_sound

ANY_TEXT = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=()), st.sampled_from("<>&\"'/=`\r\n\x00 \u202e#;ab1")
    ),
    max_size=60,
)


@st.composite
def spans(draw: st.DrawFn, length: int) -> tuple[int, int]:
    start = draw(st.integers(0, length))
    return start, draw(st.integers(start, length))


@st.composite
def findings(draw: st.DrawFn, note: str) -> tuple[Finding, ...]:
    made = []
    for start, end in draw(st.lists(spans(len(note)), max_size=8)):
        made.append(
            Finding(
                text=note[start:end],
                start=start,
                end=end,
                kind=draw(st.sampled_from(["symptom", "result", "age", "allergy"])),
                normalised=draw(ANY_TEXT),
                negated=draw(st.booleans()),
                experiencer=draw(st.sampled_from(["patient", "family", "other"])),
                temporality=draw(st.sampled_from(["present", "past", "resolved", "hypothetical"])),
                certainty=draw(st.sampled_from(["certain", "uncertain"])),
                value=draw(st.none() | st.floats()),
                unit=draw(st.sampled_from(["", "mg/L", "/min"])),
                flag=draw(st.sampled_from(["", "low", "high", "implausible"])),
                site=draw(ANY_TEXT),
            )
        )
    return tuple(made)


@st.composite
def hits(draw: st.DrawFn, rank: int) -> Hit:
    text = draw(ANY_TEXT)
    start, end = draw(spans(len(text)))
    document = Document(
        id=draw(ANY_TEXT),
        kind=draw(st.sampled_from(["patients", "articles"])),
        text=text,
        title=draw(ANY_TEXT),
        url=draw(ANY_TEXT | st.just("https://journal.example/a?b=c&d=1")),
        year=draw(st.none() | st.integers(1900, 2030)),
        source=draw(ANY_TEXT),
        licence=draw(ANY_TEXT),
        sex=draw(st.sampled_from([None, "F", "M"])),
        age_years=draw(st.none() | st.floats(0, 120)),
        retracted=draw(st.booleans()),
    )
    passage = Passage(document_id=document.id, start=start, end=end, text=text[start:end])
    why = tuple(draw(st.lists(ANY_TEXT, max_size=2)))
    return Hit(document=document, passage=passage, score=1.0, rank=rank, why=why)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    note = draw(ANY_TEXT)
    evidence = tuple(draw(hits(rank)) for rank in range(1, draw(st.integers(0, 3)) + 1))
    citation = st.builds(
        Citation, number=st.integers(-1, 4), start=st.integers(-2, 70), end=st.integers(-2, 70)
    )
    claim: st.SearchStrategy[Claim] = st.builds(
        Claim,
        text=ANY_TEXT,
        citations=st.lists(citation, max_size=3).map(tuple),
        verdict=st.sampled_from(["quoted", "supported", "unsupported", "uncited"]),
        section=st.sampled_from(["presentation", "articles", "summary"]),
        reason=ANY_TEXT,
    )
    basis: Any = st.dictionaries(ANY_TEXT, st.none() | st.floats() | st.lists(ANY_TEXT) | ANY_TEXT)
    return Answer(
        note=Note(text=note),
        findings=draw(findings(note)),
        patients=evidence[:2],
        articles=evidence[2:],
        evidence=evidence,
        summary=Summary(
            claims=tuple(draw(st.lists(claim, max_size=4))),
            model=draw(ANY_TEXT),
            abstained=draw(ANY_TEXT),
            incomplete=draw(ANY_TEXT),
            not_found=tuple(draw(st.lists(ANY_TEXT, max_size=2))),
        ),
        basis=draw(basis),
    )


@settings(max_examples=150, deadline=None)
@given(answers())
def test_any_answer_is_a_sound_page_that_shows_the_note_and_each_finding_exactly(
    answer: Answer,
) -> None:
    page = render_page(answer)
    page.encode("utf-8")
    reader = Reader(page)
    assert_sound(reader)
    assert reader.by_id["note-text"] == as_shown(answer.note.text)
    for number, finding in enumerate(answer.findings, start=1):
        assert reader.marks[f"finding-{number}"] == as_shown(finding.text)


@settings(max_examples=100, deadline=None)
@given(answers())
def test_a_cited_sentence_is_marked_exactly_and_clipped_to_its_passage(answer: Answer) -> None:
    reader = Reader(render_page(answer))
    for claim in answer.summary.claims:
        for citation in claim.citations:
            if not 1 <= citation.number <= len(answer.evidence):
                continue
            hit = answer.evidence[citation.number - 1]
            passage = hit.passage
            places = range(max(citation.start, 0), max(citation.end, 0))
            if citation.start < 0:
                places = range(0)
            inside = [at for at in places if passage.start <= at < passage.end]
            if not inside and citation.end <= len(hit.document.text):
                inside = list(places)
            sentence = "".join(hit.document.text[at] for at in inside)
            name = f"sentence-{citation.number}-{citation.start}-{citation.end}"
            assert reader.marks.get(name, "") == as_shown(sentence)
