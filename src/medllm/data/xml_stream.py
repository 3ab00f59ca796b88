"""XML as a stream of elements in constant memory, with no entities but XML's own.

Python's expat fetches no DTD and no external entity, but it expands those that a file defines, and
ElementTree hides the handlers that could stop it. Here they are set: a file that defines entities
(the "billion laughs") is refused at its first definition.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from medllm.data.reading import BadInputError
from medllm.data.streams import READ_ERRORS, open_bytes, reason_of

_CHUNK_BYTES = 64 * 1024
_MAX_DEPTH = 200  # PubMed's own, with MathML in a title, stay below 30


def read_root_name(head: bytes) -> str:
    """Give the name of the root element in a file's first bytes, or "" where they are no XML."""
    found: list[str] = []
    parser = _parser()
    parser.StartElementHandler = lambda name, _: found.append(name)
    try:
        parser.Parse(head, False)
    except expat.ExpatError:
        pass  # the head may end, or break, behind the root's name
    return found[0] if found else ""


def read_elements(path: Path, root: str, names: Collection[str]) -> Iterator[Element]:
    """Give each child of the root with one of these names; other children are dropped unread.

    Raises `BadInputError` where the root is another or the XML breaks off: the elements before that
    have been handed out.
    """
    stream = _ElementStream(root, names)
    fault, raw = "", b""
    with open_bytes(path) as handle:
        while not fault:
            try:
                raw = handle.read1(_CHUNK_BYTES)
                stream.parser.Parse(raw, not raw)
            except expat.ExpatError as exc:  # "mismatched tag: line 3, column 2", no content
                fault = f"is not well-formed XML: {exc}"
            except READ_ERRORS as exc:
                fault = f"breaks off here: {reason_of(exc)}"
            except BadInputError as exc:
                fault = str(exc)
            except (LookupError, ValueError):  # from expat's look-up of the declared encoding
                fault = "declares an encoding that cannot be read"
            yield from stream.take()
            if not raw:
                break
    if fault:
        raise BadInputError(f"{fault}; nothing after it was read")


class _ElementStream:
    """Builds one element at a time out of expat's events."""

    def __init__(self, root: str, names: Collection[str]) -> None:
        self.root = root
        self.names = names
        self.depth = 0
        self.builder: TreeBuilder | None = None
        self.finished: list[Element] = []
        self.parser = _parser()
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.data
        self.parser.SkippedEntityHandler = self.skipped

    def take(self) -> list[Element]:
        """Give the elements that are whole by now, once."""
        finished, self.finished = self.finished, []
        return finished

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.depth == 0 and name != self.root:
            raise BadInputError(f"its root element is not {self.root}")
        if self.depth == 1 and name in self.names:
            self.builder = TreeBuilder()
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise BadInputError(f"its elements are nested deeper than {_MAX_DEPTH}")
        if self.builder:
            self.builder.start(name, attributes)

    def end(self, name: str) -> None:
        self.depth -= 1
        if self.builder:
            self.builder.end(name)
            if self.depth == 1:
                self.finished.append(self.builder.close())
                self.builder = None

    def data(self, text: str) -> None:
        if self.builder:
            self.builder.data(text)

    def skipped(self, name: str, is_parameter: bool) -> None:
        """Keep `&alpha;` of a DTD that was not fetched: expat would drop it without a word."""
        if not is_parameter:
            self.data(html.unescape(f"&{name};"))


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.EntityDeclHandler = _refuse
    return parser


def _refuse(*declaration: object) -> NoReturn:
    raise BadInputError("it defines XML entities, which no PubMed file does")
