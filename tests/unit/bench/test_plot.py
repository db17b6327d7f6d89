from xml.etree import ElementTree

from bench.measures.procedure import Measure
from bench.packets.figures import Results
from bench.packets.plot import plot

SPEED = Measure("speed of <1> & more", "Mbit/s", higher_is_better=True)


def test_a_bar_is_as_long_as_its_median_is_large() -> None:
    results = Results()
    for contestant, values in (("golem-vpn", (80.0, 100.0, 100.0)), ("other", (50.0, 50.0, 50.0)), ("none", (0.0,))):
        for value in values:
            results.add("veth", contestant, {SPEED: value})
    drawing = ElementTree.fromstring(plot(results, "somewhere"))
    boxes = drawing.iter("{http://www.w3.org/2000/svg}rect")
    widths = [float(box.get("width", "")) for box in boxes if box.get("width") != "100%"]
    assert widths[0] == 2 * widths[1] > 0
    assert widths[2] == 0
    assert SPEED.name in "".join(drawing.itertext())
