"""The rules of an operations team, and what they must say of what their vendors answer.

The documentation is in `rules/*.yaml`: each file has rules, and under `x-story` what the vendors know and the verdicts.
Here they are run through the door that operators use: each file by itself, and all in one directory as a team has them.
"""

from __future__ import annotations

import json
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from support.commands import Ran
from support.operations.stories import Delivered, Moment, Story, Verdict, World, operations_room, stories

STORIES = stories()
VERDICTS = [
    pytest.param(story.theme, moment, check, id=f"{story.theme}-{moment.number}-{check}")
    for story in STORIES
    for moment in story.moments
    for check in moment.verdicts
]
DELIVERIES = [
    pytest.param(story.theme, moment, id=f"{story.theme}-{moment.number}")
    for story in STORIES
    for moment in story.moments
    if moment.deliveries is not None
]


@dataclass(frozen=True)
class Told:
    """What came of one moment of a story: the run, what the vendors were asked, what the outbox had and what came."""

    ran: Ran = field(repr=False)
    asked: tuple[str, ...]
    delivered: tuple[Delivered, ...]
    posted: tuple[tuple[str, str], ...]

    @property
    def results(self) -> Any:
        """What `--format json` gave."""
        assert self.ran.out, self.ran.err
        return self.ran.json


@dataclass
class Tales:
    """The stories, each told from beginning to end when it is asked for first, in a room of its own."""

    rooms: pytest.TempPathFactory
    told: dict[str, tuple[Told, ...]] = field(default_factory=dict, repr=False)

    def __getitem__(self, asked: tuple[str, int]) -> Told:
        theme, number = asked
        if theme not in self.told:
            self.told[theme] = tuple(_tell(_story(theme), self.rooms.mktemp(theme)))
        return self.told[theme][number - 1]


@pytest.fixture(scope="module")
def tales(tmp_path_factory: pytest.TempPathFactory) -> Tales:
    return Tales(tmp_path_factory)


def _story(theme: str) -> Story:
    return next(one for one in STORIES if one.theme == theme)


def _tell(story: Story, home: Path) -> Iterator[Told]:
    """Run a story's checks at each of its moments."""
    known: set[int] = set()
    with operations_room(home, [story]) as (desk, world):
        for moment in story.moments:
            desk.clock.now += moment.after_s
            world.samples, world.asked, world.posted = moment.samples, [], []
            ran = _nowhere(desk(["run", "--format", "json", *story.checks]), world)
            assert world.broken == []
            outbox = desk("outbox list --all --format json").json
            delivered = (
                Delivered(one["state"], one["target"]["scenario"], ", ".join(sorted(one["services"])))
                for one in outbox
                if one["id"] not in known
            )
            yield Told(ran, tuple(world.asked), tuple(sorted(delivered)), tuple(sorted(world.posted)))
            known |= {one["id"] for one in outbox}


def _nowhere(ran: Ran, world: World) -> Ran:
    """What was run, with `VENDORS` for the address that the vendors have in this run."""
    return replace(ran, out=ran.out.replace(world.url, "VENDORS"), err=ran.err.replace(world.url, "VENDORS"))


def test_there_are_thirty_rules_and_more_each_with_a_name_of_its_own() -> None:
    names = [check for story in STORIES for check in story.checks]

    assert len(names) >= 30
    assert [name for name, count in Counter(names).items() if count > 1] == []


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.theme)
def test_the_first_moment_of_a_story_has_a_verdict_on_every_rule(story: Story) -> None:
    assert set(story.moments[0].verdicts) == set(story.checks)
    assert all(verdicts for moment in story.moments for verdicts in moment.verdicts.values())


@pytest.mark.parametrize("theme", [story.theme for story in STORIES])
def test_the_rules_can_be_read(tales: Tales, theme: str) -> None:
    ran = tales[theme, 1].ran

    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize(("theme", "moment", "check"), VERDICTS)
def test_the_rule_judges_right(tales: Tales, theme: str, moment: Moment, check: str) -> None:
    results = tales[theme, moment.number].results
    came = [Verdict(one["state"], one["service"], one["output"]) for one in results if one["check"] == check]

    assert _shown(came, moment.verdicts[check]) == _shown(moment.verdicts[check])


def _shown(verdicts: Sequence[Verdict], as_told: Sequence[Verdict] = ()) -> str:
    """Verdicts as sorted lines; what is told in short, in short."""
    told = {one.service: one.output for one in as_told}
    others = {one.state for one in as_told if one.service.startswith("+")}
    lines: list[str] = []
    rest: Counter[str] = Counter()
    for one in verdicts:
        if one.service not in told and one.state in others:
            rest[one.state] += 1
        else:
            output = _in_short(one.output, told.get(one.service))
            lines.append("  ".join(filter(None, (one.state, one.service, output))))
    return "\n".join(sorted([*lines, *(f"{state}  +{count}" for state, count in rest.items())]))


def _in_short(output: str, told: str | None) -> str:
    """An output as far as it is told: not at all, up to `...`, or whole."""
    if told is not None and output.startswith(told.removesuffix("...")) and (told == "" or told.endswith("...")):
        return told
    return output


@pytest.mark.parametrize(("theme", "moment"), DELIVERIES)
def test_each_target_gets_one_delivery_with_its_worst_state(tales: Tales, theme: str, moment: Moment) -> None:
    told = tales[theme, moment.number]

    assert told.delivered == moment.deliveries
    assert told.posted == tuple((one.state, one.scenario) for one in told.delivered)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.theme)
def test_no_vendor_is_asked_the_same_twice(tales: Tales, story: Story) -> None:
    """Half of the rules share a request with another; how many rules ask is no matter."""
    asked = Counter(tales[story.theme, 1].asked)

    # Resource Watcher's list of alarms is read with a POST, which is not shared between what a rule and another ask.
    twice = {request: count for request, count in asked.items() if count > 1 and "/event-alarms/search?" not in request}
    assert asked
    assert twice == {}


def test_all_rules_in_one_run_judge_as_each_file_on_its_own(tales: Tales, tmp_path: Path) -> None:
    with operations_room(tmp_path, STORIES) as (desk, world):
        world.samples = {name: told for story in STORIES for name, told in story.moments[0].samples.items()}
        together = _nowhere(desk("run --format json --no-report"), world).json

    apart = [result for story in STORIES for result in tales[story.theme, 1].results]
    assert sorted(map(json.dumps, together)) == sorted(map(json.dumps, apart))


def test_a_process_of_its_own_finds_the_plugins_and_judges_the_same(tales: Tales, tmp_path: Path) -> None:
    story = _story("notifications")
    with operations_room(tmp_path, [story]) as (desk, world):
        desk.clock.now = time.time()  # that of a process is the real one
        world.samples = story.moments[0].samples
        ran = desk.process(["run", "--format", "json", *story.checks])

    assert (ran.code, ran.err) == (0, "")
    assert _said_of(ran.json) == _said_of(tales[story.theme, 1].results)


def _said_of(results: Any) -> list[tuple[str, str, str]]:
    """What was said of each service, but for ages, which go on while a process begins."""
    ages = {"audit-trail-alive", "notifications-stuck"}
    return [(one["service"], one["state"], "" if one["check"] in ages else one["output"]) for one in results]


def test_a_team_finds_its_services_on_its_own_host(tales: Tales) -> None:
    found = {one["host"] for one in tales["fleet", 1].results if one["check"] == "team-load"}

    assert found == {"team-green"}


def test_the_rule_for_seoul_is_typed_decomposed_and_the_host_is_sent_whole(tales: Tales) -> None:
    story = _story("agents")
    (check,) = (one for one in story.written if one["name"] == "cpu-seoul")
    typed, sent = check["where"]["host"], story.moments[0].samples["branches"][0]["host"]

    assert unicodedata.is_normalized("NFD", typed)
    assert unicodedata.is_normalized("NFC", sent)
    assert not sent.startswith(typed.removesuffix("*"))
