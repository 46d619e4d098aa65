"""Sentences are messages: nobody but the formatter turns one into text, and no code asks a text what it says."""

import ast
from pathlib import Path

import pytest

from waterbed.model.message import fields_of

ROOT = Path(__file__).parents[1]
ROOMS = ("waterbed", "crawler", "attribution", "graphs")
SOURCES = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
HOME = ("waterbed/model/message.py", "waterbed/model/formatter.py")
"""Where messages are read."""
RIM = ("waterbed/cli/", "waterbed/publish/", "waterbed/shown/", "waterbed/service/", "waterbed/lab/")
RIM_FILES = ("command.py", "printing.py", "page.py", "figures.py", "words.py", "declared.py")
"""Where text is made: what prints, writes files or makes pages."""
WITHIN = {
    "graphs/displacement/findings.py": "holds the formatter of its readers",
    "waterbed/questions/intervention/plan.py": "puts reasons into an error, which is text",
    "waterbed/measures/about.py": "puts a remark into a table's method, which is text",
}
"""Other modules that may use a formatter, and why."""
PROSE = {
    "note",
    "notes",
    "refusal",
    "reason",
    "why",
    "text",
    "method",
    "title",
    "remark",
    "sentence",
    "words",
    "caveat",
}
"""Fields that hold sentences: of messages, or of rows that are published."""
ASKING = {
    *("partition", "rpartition", "startswith", "endswith", "removeprefix", "removesuffix", "replace"),
    *("split", "rsplit", "splitlines", "find", "rfind", "index", "rindex", "count", "translate"),
}
"""Methods of text that look for a part of it."""
BUILT = (ast.JoinedStr, ast.BinOp, ast.Call, ast.IfExp)
"""Expressions that make a text of others."""
SPELLS = {"text", "sentence", "plain"}
"""Methods of the formatter that return text."""


class Reader(ast.NodeVisitor):
    """Reads a module, and notes what it does with sentences that it may not."""

    def __init__(self, name: str) -> None:
        self.name, self.found = name, list[str]()
        self.held: list[set[str]] = [set()]
        """Names that hold a sentence, by function."""

    def fault(self, node: ast.AST, words: str) -> None:
        self.found.append(f"{self.name}:{getattr(node, 'lineno', 0)} {words}")

    def says(self, value: ast.expr) -> bool:
        """True if a value is a sentence: a field that holds one, what a formatter returned, or a name for it."""
        if isinstance(value, ast.Call):
            return isinstance(value.func, ast.Attribute) and value.func.attr in SPELLS
        if isinstance(value, ast.Name):
            return any(value.id in names for names in self.held)
        return isinstance(value, ast.Attribute) and value.attr in PROSE

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.held.append(set())
        self.generic_visit(node)
        self.held.pop()

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        named = {one.id for one in node.targets if isinstance(one, ast.Name)}
        self.held[-1] = self.held[-1] | named if self.says(node.value) else self.held[-1] - named

    def visit_Attribute(self, node: ast.Attribute) -> None:
        page = node.attr == "template" and self.name == "waterbed/shown/layout.py"
        if node.attr in ("template", "arguments") and self.name not in HOME and not page:
            self.fault(node, "looks into a message")
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        sought = node.left
        of_bytes = isinstance(sought, ast.Constant) and isinstance(sought.value, bytes)
        for kind, value in zip(node.ops, node.comparators, strict=True):
            if isinstance(kind, ast.In | ast.NotIn) and self.says(value) and not of_bytes:
                self.fault(node, "looks for words in a sentence")
        self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        used = {one.name for one in node.names} & {"Formatter", "OWN"}
        within = not (self.name.startswith(RIM) or self.name.endswith(RIM_FILES) or self.name in WITHIN)
        if node.module == "waterbed.model.formatter" and used and within:
            self.fault(node, "makes text within")

    def visit_Call(self, node: ast.Call) -> None:
        called, first = node.func, node.args[0] if node.args else None
        if isinstance(called, ast.Attribute):
            owner = called.value.id if isinstance(called.value, ast.Name) else ""
            if called.attr in ASKING and self.says(called.value):
                self.fault(node, "asks a sentence what it says")
            if owner == "re" and any(map(self.says, node.args)):
                self.fault(node, "searches a sentence")
            if (owner, called.attr) == ("Message", "of"):
                self.template(node, first)
        elif isinstance(called, ast.Name) and called.id == "Message" and self.name not in HOME:
            self.fault(node, "makes a message without its arguments")
        elif isinstance(called, ast.Name) and called.id == "Term" and isinstance(first, BUILT):
            self.fault(node, "builds a term")
        self.generic_visit(node)

    def template(self, node: ast.Call, first: ast.expr | None) -> None:
        if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
            self.fault(node, "builds a template")
            return
        named = {one.arg for one in node.keywords}
        if None not in named and named != fields_of(first.value):
            self.fault(node, "gives a template other arguments than its fields")


def faults(text: str, name: str) -> list[str]:
    """The faults of a module."""
    reader = Reader(name)
    reader.visit(ast.parse(text))
    return reader.found


def test_no_module_but_the_formatter_reads_a_message_and_none_asks_a_text_what_it_says() -> None:
    """Templates are constants with the arguments of their fields, and no prose is searched, split or masked."""
    found = [fault for path in SOURCES for fault in faults(path.read_text(), str(path.relative_to(ROOT)))]
    assert found == []


@pytest.mark.parametrize(
    "planted",
    [
        "held = row.refusal.startswith('held back')",
        "a, _, b = answer.note.partition('; ')",
        "said = info.method.removeprefix(METHOD)",
        "if 'clusters' in one.reason: pass",
        "if 'clusters' not in one.note: pass",
        "text = re.sub(NUMBER, '', row.text)",
        "found = re.search('held back', OWN.text(message))",
        "text = formatter.text(message).replace('at the event', day)",
        "text = formatter.sentence(message).split(': ')[0]",
        "words = [word for word in one.words.split()]",
        "reason = row.refusal\nif reason.startswith('held back'): pass",
        "text = OWN.text(message)\nhead = text.partition(': ')[0]",
        "def told(one):\n    said = one.note\n    return 'few' in said",
        "one = message.template",
        "n = dict(message.arguments)['n']",
        "one = Message('{n} sites')",
        "one = Message.of(f'{n} sites')",
        "one = Message.of('a ' + 'b')",
        "one = Message.of(TEMPLATE, n=Count(3))",
        "one = Message.of('{n} sites', m=Count(3))",
        "one = Message.of('{n} sites')",
        "one = Message.of('no field', n=Count(3))",
        "one = Term(f'the {area}')",
        "one = Term('the ' + area)",
        "from waterbed.model.formatter import OWN",
        "from waterbed.model.formatter import Disclosure, Formatter",
    ],
)
def test_a_planted_fault_is_found(planted: str) -> None:
    """Each way to glue, search or spell a sentence outside of the formatter."""
    assert faults(planted, "waterbed/estimators/planted.py") != []


@pytest.mark.parametrize(
    "kept",
    [
        "one = Message.of('{n} sites', n=Count(3))",
        "one = Message.of('{n} sites of {m} and so on ' 'and so on', n=Count(3), m=Count(4))",
        "one = Message.of('{n} sites', **said)",
        "one = Term(kind)",
        "one = Term(WORDS[outcome])",
        "if row.refusal is None: pass",
        "if refusal.kind in ('held back', 'suppressed'): pass",
        "path.name.endswith('.toml')",
        "def one(row):\n    said = row.note\n\n\ndef other(said):\n    return said.split()",
        "said = row.note\nsaid = row.key\nsaid.split()",
        "b'x' in answer.text",
        "from waterbed.model.formatter import EVERYTHING, Disclosure",
    ],
)
def test_what_is_no_fault_passes(kept: str) -> None:
    """Typed questions, identifiers and constant templates are what code is to use."""
    assert faults(kept, "waterbed/estimators/kept.py") == []


def test_each_module_that_makes_text_within_is_there_and_makes_some() -> None:
    """An exception that no module needs any more is none."""
    for name in WITHIN:
        assert "waterbed.model.formatter import" in (ROOT / name).read_text(), name
