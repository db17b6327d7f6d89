import pytest
from sqlalchemy import Connection, text

from golem_vpn.store.database import Database
from golem_vpn.store.lookout import Lookout

pytestmark = pytest.mark.anyio


class Questions:
    """Asks for what there is, and counts how often."""

    def __init__(self, *answer: str) -> None:
        self.answer = list(answer)
        self.asked = 0

    async def look(self) -> list[str]:
        self.asked += 1
        return self.answer


def nothing(connection: Connection) -> None:
    connection.execute(text("SELECT 1"))


async def test_what_was_looked_for_in_vain_is_looked_for_again_when_something_was_written(database: Database) -> None:
    lookout, questions = Lookout(database), Questions()
    for _ in range(3):
        assert await lookout.find("what", questions.look) == []
    assert questions.asked == 1
    await database.write(nothing)
    questions.answer = ["found"]
    assert await lookout.find("what", questions.look) == ["found"]
    async with database.transaction():
        questions.answer = []
    assert await lookout.find("what", questions.look) == []
    assert questions.asked == 3


async def test_what_was_found_is_looked_for_each_time(database: Database) -> None:
    lookout, questions = Lookout(database), Questions("found")
    for _ in range(3):
        assert await lookout.find("what", questions.look) == ["found"]
    assert questions.asked == 3


async def test_what_is_written_while_it_is_looked_for_is_not_overlooked(database: Database) -> None:
    lookout, questions = Lookout(database), Questions("found")

    async def too_early() -> list[str]:
        await database.write(nothing)
        return []

    assert await lookout.find("what", too_early) == []
    assert await lookout.find("what", questions.look) == ["found"]


async def test_one_question_in_vain_says_nothing_of_another(database: Database) -> None:
    lookout, questions = Lookout(database), Questions("found")
    assert await lookout.find("one", Questions().look) == []
    assert await lookout.find("other", questions.look) == ["found"]
