"""The same picture for tools that lay graphs out themselves: Mermaid (Markdown viewers) and DOT (Graphviz)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from search_spaces.drawing.difference import Marks, marks, paired
from search_spaces.drawing.palette import CHANGED, FAMILIES, INK, ONLY, family_of
from search_spaces.drawing.scene import Side
from search_spaces.graphs.graph import Edge, Graph, Vertex

__all__ = ["dot", "mermaid"]

_SHAPES = {"input": ("([", "])"), "output": ("([", "])"), "state": ("((", "))"), "operation": ("[", "]")}


def mermaid(sides: Sequence[Side]) -> str:
    """Write a Mermaid flowchart, one subgraph for each cell of each architecture.

    Args:
        sides: one architecture, or two that are compared.

    Returns:
        The text.
    """
    lines = ["flowchart TB"]
    for number, (title, graph, marked) in enumerate(_titled_graphs(sides)):
        lines.append(f'  subgraph g{number}["{_mermaid_text(title)}"]')
        lines += (f"    {line}" for line in _mermaid_graph(graph, marked, f"g{number}"))
        lines.append("  end")
    for family, colours in FAMILIES.items():
        lines.append(f"  classDef {_key(family)} fill:{colours.fill},stroke:{colours.stroke},color:{INK}")
    lines.append(f"  classDef changed stroke:{CHANGED},stroke-width:3px")
    lines.append(f"  classDef only stroke:{ONLY},stroke-width:3px,stroke-dasharray:6 3")
    return "\n".join([*lines, ""])


def dot(sides: Sequence[Side]) -> str:
    """Write a DOT digraph, one cluster for each cell of each architecture.

    Args:
        sides: one architecture, or two that are compared.

    Returns:
        The text.
    """
    lines = [
        "digraph architecture {",
        '  graph [rankdir=TB, bgcolor="white", fontname="Helvetica"]',
        '  node [shape=box, style="filled,rounded", fontname="Helvetica"]',
        '  edge [fontname="Helvetica"]',
    ]
    for number, (title, graph, marked) in enumerate(_titled_graphs(sides)):
        lines += [f"  subgraph cluster_{number} {{", f"    label={_quoted(title)}"]
        lines += (f"    {line}" for line in _dot_graph(graph, marked, f"g{number}"))
        lines.append("  }")
    return "\n".join([*lines, "}", ""])


def _titled_graphs(sides: Sequence[Side]) -> Iterator[tuple[str, Graph, Marks]]:
    """Every graph with its title, and marks on what the graph beside it does not have."""
    pairs = paired(sides[0].graphs, sides[-1].graphs)
    for number, side in enumerate(sides):
        for pair in pairs:
            graph, other = pair[number], pair[1 - number]
            if graph is not None:
                yield f"{side.heading}: {graph.name}", graph, marks(graph, other) if len(sides) == 2 else Marks()


def _mermaid_graph(graph: Graph, marked: Marks, prefix: str) -> Iterator[str]:
    names = {vertex.name: f"{prefix}_{index}" for index, vertex in enumerate(graph.vertices)}
    for vertex in graph.vertices:
        left, right = _SHAPES[vertex.kind]
        classes = f":::{_key(family_of(vertex.label, vertex.kind))}"
        yield f'{names[vertex.name]}{left}"{_mermaid_text(vertex.label or vertex.name)}"{right}{classes}'
    for name, mark in marked.vertices.items():
        yield f"class {names[name]} {mark}"
    for edge in graph.edges:
        arrow = "==>" if edge in marked.edges else "-->"
        label = f'|"{_mermaid_text(edge.label)}"|' if edge.label else ""
        yield f"{names[edge.source]} {arrow}{label} {names[edge.target]}"


def _dot_graph(graph: Graph, marked: Marks, prefix: str) -> Iterator[str]:
    names = {vertex.name: f"{prefix}_{index}" for index, vertex in enumerate(graph.vertices)}
    for vertex in graph.vertices:
        yield f"{names[vertex.name]} [{_dot_vertex(vertex, marked)}]"
    for edge in graph.edges:
        yield f"{names[edge.source]} -> {names[edge.target]}{_dot_edge(edge, marked)}"


def _dot_vertex(vertex: Vertex, marked: Marks) -> str:
    colours = FAMILIES[family_of(vertex.label, vertex.kind)]
    mark = marked.vertices.get(vertex.name)
    frame = f', color="{_mark_colour(mark)}", penwidth=3' if mark else f', color="{colours.stroke}"'
    shape = ", shape=ellipse" if vertex.kind != "operation" else ""
    return f'label={_quoted(vertex.label or vertex.name)}, fillcolor="{colours.fill}"{frame}{shape}'


def _dot_edge(edge: Edge, marked: Marks) -> str:
    settings = [f"label={_quoted(edge.label)}"] if edge.label else []
    if edge in marked.edges:
        settings.append(f'color="{_mark_colour(marked.edges[edge])}", penwidth=3')
    return f" [{', '.join(settings)}]" if settings else ""


def _mark_colour(mark: str) -> str:
    return CHANGED if mark == "changed" else ONLY


def _key(family: str) -> str:
    return family.replace(" ", "_")


def _quoted(text: str) -> str:
    """A quoted string of DOT, which escapes by backslashes."""
    inside = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "").replace("\n", "\\n").replace("\0", "")
    return f'"{inside}"'


def _mermaid_text(text: str) -> str:
    """Text inside quotes of Mermaid: every character that could be markup is written as an entity."""
    return "".join(c if c.isalnum() or c in " _-.,:/+()=" else f"#{ord(c)};" for c in " ".join(text.split()))
