"""Draws results as an SVG: a panel for each measure, a bar for each contestant, a line from its least to its most."""

from collections.abc import Sequence
from xml.etree import ElementTree

from bench.measures.procedure import Measure
from bench.packets.contestants import OURS
from bench.packets.figures import Results, Row

COLUMNS = 4
PANEL_WIDTH = 330
BAR_HEIGHT = 16
NAME_WIDTH = 128
VALUE_WIDTH = 62
GAP = 18
HEAD_HEIGHT = 30
TITLE_HEIGHT = 34
OWN, VARIANT, OTHER, INK, FAINT = "#1763c6", "#86b0e6", "#b9c2cc", "#1f2933", "#5b6770"


def plot(results: Results, subtitle: str) -> str:
    """Gives the text of the SVG."""
    width = COLUMNS * (PANEL_WIDTH + GAP) + GAP
    drawing = Drawing(width)
    drawing.text(GAP, 28, "golem-vpn beside its peers", size=20, weight="bold")
    drawing.text(GAP, 46, subtitle, fill=FAINT)
    top = 60.0
    for wire in results.wires():
        drawing.text(GAP, top + 20, wire, size=15, weight="bold")
        top = _draw_panels(drawing, results, wire, top + TITLE_HEIGHT)
    return drawing.finish(top)


def _draw_panels(drawing: "Drawing", results: Results, wire: str, top: float) -> float:
    """Draws all measures of a wire, in rows of panels, and tells where the last row ends."""
    measures = results.measures(wire)
    for first in range(0, len(measures), COLUMNS):
        row_of_panels = measures[first : first + COLUMNS]
        height = 0.0
        for column, measure in enumerate(row_of_panels):
            left = GAP + column * (PANEL_WIDTH + GAP)
            reached = [results.row(wire, contestant, measure) for contestant in results.contestants(wire)]
            height = max(height, _draw_panel(drawing, measure, [row for row in reached if row], left, top))
        top += height + GAP
    return top


def _draw_panel(drawing: "Drawing", measure: Measure, rows: Sequence[Row], left: float, top: float) -> float:
    better = "more is better" if measure.higher_is_better else "less is better"
    drawing.text(left, top + 10, measure.name, weight="bold")
    drawing.text(left, top + 22, f"{measure.unit}, {better}", fill=FAINT, size=9)
    scale = (PANEL_WIDTH - NAME_WIDTH - VALUE_WIDTH) / max(max(max(row.values) for row in rows), 1e-9)
    begin = left + NAME_WIDTH
    for number, row in enumerate(rows):
        y = top + HEAD_HEIGHT + number * BAR_HEIGHT
        middle = y + BAR_HEIGHT / 2 - 2
        drawing.text(begin - 6, middle + 4, row.contestant, anchor="end")
        drawing.box(begin, y, row.median * scale, BAR_HEIGHT - 4, _colour(row.contestant))
        drawing.line(begin + min(row.values) * scale, begin + max(row.values) * scale, middle)
        drawing.text(begin + max(row.values) * scale + 5, middle + 4, _short(row.median))
    return HEAD_HEIGHT + len(rows) * BAR_HEIGHT


def _colour(contestant: str) -> str:
    if contestant == OURS:
        return OWN
    return VARIANT if contestant.startswith(OURS) else OTHER


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


class Drawing:
    """The few shapes that a bar chart is made of."""

    def __init__(self, width: float) -> None:
        self._width = width
        self._root = ElementTree.Element("svg", xmlns="http://www.w3.org/2000/svg")
        self._root.set("font-family", "Helvetica, Arial, sans-serif")
        self._shape("rect", width="100%", height="100%", fill="white")

    def text(
        self, x: float, y: float, content: str, *,
        size: int = 11, fill: str = INK, weight: str = "normal", anchor: str = "start",
    ) -> None:  # fmt: skip
        """Writes a line; `anchor` says which of its ends is at `x`."""
        element = self._shape("text", x=x, y=y, fill=fill)
        element.text = content
        for name, value in (("font-size", str(size)), ("font-weight", weight), ("text-anchor", anchor)):
            element.set(name, value)

    def box(self, x: float, y: float, width: float, height: float, fill: str) -> None:
        """Fills a rectangle."""
        self._shape("rect", x=x, y=y, width=width, height=height, fill=fill)

    def line(self, begin: float, end: float, y: float) -> None:
        """Draws a level line."""
        self._shape("line", x1=begin, x2=end, y1=y, y2=y, stroke=INK)

    def finish(self, height: float) -> str:
        """Gives the text of the SVG, of that height."""
        self._root.set("viewBox", f"0 0 {self._width:g} {height:g}")
        ElementTree.indent(self._root)
        return ElementTree.tostring(self._root, encoding="unicode") + "\n"

    def _shape(self, name: str, **attributes: float | str) -> ElementTree.Element:
        texts = {key: value if isinstance(value, str) else f"{value:.1f}" for key, value in attributes.items()}
        return ElementTree.SubElement(self._root, name, texts)
