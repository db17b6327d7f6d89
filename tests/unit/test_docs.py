"""What the documents name exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
THREATS = (ROOT / "docs" / "threats.md").read_text()
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


@pytest.mark.parametrize("document", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/*.md")), ids=lambda it: it.name)
def test_links_lead_somewhere(document: Path) -> None:
    dead = [target for target in LINK.findall(document.read_text()) if not (document.parent / target).exists()]
    assert not dead


def test_a_claim_about_threats_names_what_shows_it() -> None:
    paths = re.findall(r"`((?:tests|native)/[\w/.]+)`", THREATS)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []
    tests = re.findall(r"`([a-z]+(?:_[a-z]+){2,})`", THREATS)
    code = "\n".join((ROOT / path).read_text() for path in set(paths) if (ROOT / path).is_file())
    assert tests
    assert [test for test in tests if not re.search(rf"(?:def|fn) {test}\(", code)] == []
