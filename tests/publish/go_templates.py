"""The part of Go's text/template that Ollama's templates use, and what Ollama does around it.

Written from https://pkg.go.dev/text/template; `test_go_templates` compares it with a real Go where
there is one. Texts are bytes inside, as Go's `len` and `slice` count them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_ACTION = re.compile(
    rb"(?P<left>[ \t\r\n]*\{\{- |\{\{)"
    rb'(?P<inside>(?:"(?:[^"\\]|\\.)*"|[^"}])*?)'
    rb"(?P<right> -\}\}[ \t\r\n]*|\}\})"
)
_WORD = re.compile(rb'"(?:[^"\\]|\\.)*"|\(|\)|:=|=|,|[^\s()",=]+')


@dataclass
class Branch:
    """An action with a body: define, if, range."""

    kind: str
    words: list[bytes]
    body: list[Any] = field(default_factory=list)
    otherwise: list[Any] = field(default_factory=list)


class Template:
    """A parsed template."""

    def __init__(self, text: str) -> None:
        self.defined: dict[bytes, list[Any]] = {}
        tokens = self._tokens(text.encode())
        self.main = self._parse(tokens, Branch("", []))
        assert not tokens, "an end too many"

    @staticmethod
    def _tokens(text: bytes) -> list[bytes | list[bytes]]:
        tokens: list[bytes | list[bytes]] = []
        place = 0
        for found in _ACTION.finditer(text):
            tokens.append(text[place : found.start()])
            tokens.append(_WORD.findall(found["inside"]))
            place = found.end()
        rest = [*tokens, text[place:]]
        assert not any(b"{{" in token for token in rest if isinstance(token, bytes)), "not read"
        return rest

    def _parse(self, tokens: list[Any], branch: Branch) -> list[Any]:
        into = branch.body
        while tokens:
            token = tokens.pop(0)
            if isinstance(token, bytes):
                into.append(token)
            elif token[0] == b"end":
                return branch.body
            elif token[0] == b"else":
                into = branch.otherwise
                if token[1:]:
                    inner = Branch("if", token[2:])
                    self._parse(tokens, inner)  # its end ends this one too
                    into.append(inner)
                    return branch.body
            elif token[0] in (b"if", b"range", b"define"):
                inner = Branch(token[0].decode(), token[1:])
                self._parse(tokens, inner)
                if inner.kind == "define":
                    self.defined[_text(token[1])] = inner.body
                else:
                    into.append(inner)
            else:
                into.append(token)
        return branch.body

    def render(self, data: dict[str, Any]) -> str:
        """Give the text for the data; strings in it must be bytes."""
        return b"".join(self._run(self.main, data, [{b"$": data}])).decode()

    def _run(self, nodes: list[Any], dot: Any, scopes: list[dict[bytes, Any]]) -> list[bytes]:
        written: list[bytes] = []
        stack = [(iter(nodes), dot, scopes)]  # its own, since Python's is too short for recursion
        while stack:
            rest, dot, scopes = stack[-1]
            node = next(rest, None)
            if node is None:
                stack.pop()
            elif isinstance(node, bytes):
                written.append(node)
            elif isinstance(node, list) and node[0] == b"template":
                value = self._value(node[2:], dot, scopes)
                stack.append((iter(self.defined[_text(node[1])]), value, [{b"$": value}]))
            elif isinstance(node, list):
                written += self._act(node, dot, scopes)
            elif node.kind == "if":
                chosen = node.body if self._value(node.words, dot, scopes) else node.otherwise
                stack.append((iter(chosen), dot, [*scopes, {}]))
            else:
                written += self._range(node, dot, scopes)
        return written

    def _range(self, node: Branch, dot: Any, scopes: list[dict[bytes, Any]]) -> list[bytes]:
        names = node.words[: node.words.index(b":=")] if b":=" in node.words else []
        items = self._value(node.words[len(names) + bool(names) :], dot, scopes)
        names = [name for name in names if name != b","]
        written: list[bytes] = []
        for number, item in enumerate(items):
            values = [number, item][-len(names) :] if names else []
            inner = dict(zip(names, values, strict=True))
            written += self._run(node.body, item, [*scopes, inner])
        return written

    def _act(self, words: list[bytes], dot: Any, scopes: list[dict[bytes, Any]]) -> list[bytes]:
        if len(words) > 2 and words[1] in (b":=", b"="):
            value = self._value(words[2:], dot, scopes)
            holds = [scope for scope in scopes if words[0] in scope]
            (scopes if words[1] == b":=" else holds)[-1][words[0]] = value
            return []
        value = self._value(words, dot, scopes)
        return [value if isinstance(value, bytes) else str(value).encode()]

    def _value(self, words: list[bytes], dot: Any, scopes: list[dict[bytes, Any]]) -> Any:
        tree = _nest(list(words))
        return self._evaluate(tree, dot, scopes)

    def _evaluate(self, tree: Any, dot: Any, scopes: list[dict[bytes, Any]]) -> Any:
        if isinstance(tree, bytes):
            return _operand(tree, dot, scopes)
        if len(tree) == 1:
            return self._evaluate(tree[0], dot, scopes)
        name, *rest = tree
        if name in (b"and", b"or"):
            for one in rest:
                value = self._evaluate(one, dot, scopes)
                if bool(value) is (name == b"or"):
                    break
            return value
        return _FUNCTIONS[name](*(self._evaluate(one, dot, scopes) for one in rest))


def _nest(words: list[bytes]) -> list[Any]:
    tree: list[Any] = []
    while words:
        word = words.pop(0)
        if word == b")":
            return tree
        tree.append(_nest(words) if word == b"(" else word)
    return tree


def _operand(word: bytes, dot: Any, scopes: list[dict[bytes, Any]]) -> Any:
    if word.startswith(b'"'):
        return _text(word)
    if word in (b"true", b"false"):
        return word == b"true"
    if word.isdigit():
        return int(word)
    start, *names = word.split(b".")
    value = dot if not start else next(s[start] for s in reversed(scopes) if start in s)
    for name in filter(None, names):
        value = value[name.decode()]
    return value


def _text(word: bytes) -> bytes:
    r"""Read a Go string: \x0b is one byte, and JSON knows the rest."""
    escaped = re.sub(rb"\\x([0-9a-f]{2})", rb"\\u00\1", word)
    value = json.loads(escaped)
    assert isinstance(value, str)
    return value.encode()


def _slice(text: bytes, start: int, end: int | None = None) -> bytes:
    end = len(text) if end is None else end
    if not 0 <= start <= end <= len(text):
        raise IndexError("slice out of range: Go stops here")
    return text[start:end]


_FUNCTIONS: dict[bytes, Callable[..., Any]] = {
    b"eq": lambda one, *others: one in others,
    b"ne": lambda one, other: one != other,
    b"lt": lambda one, other: one < other,
    b"ge": lambda one, other: one >= other,
    b"len": len,
    b"not": lambda one: not one,
    b"slice": _slice,
}


def as_ollama(template: str, messages: list[dict[str, str]], *, system: str = "") -> str:
    """Give the prompt that Ollama writes: neighbours of one role become one message.

    `system` is the model's own, which stands in where the messages begin with none.
    """
    if system and (not messages or messages[0]["role"] != "system"):
        messages = [{"role": "system", "content": system}, *messages]
    joined: list[dict[str, str]] = []
    for message in messages:
        if joined and joined[-1]["role"] == message["role"]:
            joined[-1]["content"] += "\n\n" + message["content"]
        else:
            joined.append(dict(message))
    data = [
        {
            "Role": one["role"].encode(),
            "Content": one["content"].encode(),
            "Thinking": one.get("thinking", "").encode(),
        }
        for one in joined
    ]
    return Template(template).render({"Messages": data})
