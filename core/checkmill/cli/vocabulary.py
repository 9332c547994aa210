"""The words that a command line may hold: names of checks, tags, items, types, metrics, deliveries.

Rule files are read as drafts: no plugin is loaded for them, no template is rendered, and what is broken hides only
itself. The store is opened only where there is one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from checkmill.cli.arguments import DEFAULT_SEED, OUTBOX
from checkmill.edges import Edges
from checkmill.model.builtin import metrics_of
from checkmill.model.job import EXEC

if TYPE_CHECKING:
    from checkmill.steps.reading import Book, Draft
    from checkmill.store import Store, Stored

#: How long a person at a prompt waits for another's transaction.
BUSY_S = 0.2
#: More deliveries than this nobody picks one from.
MOST_DELIVERIES = 500

Words = Iterator[tuple[str, str]]


class Vocabulary:
    """Knows the words that go with what was given so far. Each word comes with what it means.

    `source_type` is the type that a command of a plugin works with.
    """

    def __init__(self, given: Mapping[str, Sequence[str]], edges: Edges, source_type: str = "") -> None:
        self._given = given
        self._edges = edges
        self._source_type = source_type

    def words(self, command: str, argument: str, current: str) -> Words:
        """What an argument of a command may be; `current` is what there is of it."""
        kinds: dict[str, Callable[[], Words]] = {
            "name": self._checks_and_outbox if command == "check" else self._checks,
            "names": self._stored_checks if command == "forget" else self._checks,
            "tag": self._tags,
            "item": lambda: self._items(current),
            "type": self._types,
            "metrics": self._metrics,
            "ids": self._deliveries,
            "reporter": self._reporters,
            "target": self._targets,
            "check": self._jobs if command == "exec" else self._checks,
            "source": self._sources,
        }
        already = set(self._given.get(argument, ()))
        return ((text, meaning) for text, meaning in kinds.get(argument, self._nothing)() if text not in already)

    def _nothing(self) -> Words:
        return iter(())

    # Rule files

    def _checks(self) -> Words:
        for name, draft in self._book().drafts.items():
            yield name, f"{self._text(draft, 'source')} {self._text(draft, 'metric')}".strip()

    def _checks_and_outbox(self) -> Words:
        yield from self._checks()
        if any(draft.key("report") for draft in self._book().drafts.values()):
            yield OUTBOX, "deliveries to reporters"

    def _jobs(self) -> Words:
        book = self._book()
        types = book.source_types()
        for name, draft in book.drafts.items():
            if any(types.get(source) == EXEC for source in self._texts(draft, "source")):
                yield name, self._text(draft, "source")

    def _tags(self) -> Words:
        book = self._book()
        for tag in dict.fromkeys(tag for draft in book.drafts.values() for tag in self._texts(draft, "tags")):
            yield tag, ""

    def _sources(self) -> Words:
        for name, kind in self._book().source_types().items():
            if kind == self._source_type:
                yield name, ""

    def _text(self, draft: Draft, key: str) -> str:
        return " ".join(", ".join(self._texts(draft, key)).split())

    def _texts(self, draft: Draft, key: str) -> tuple[str, ...]:
        from checkmill.steps.reading.expansion import Expansion

        return draft.texts(key, Expansion(self._edges.environ, sandbox=self._sandbox))

    def _book(self) -> Book:
        from checkmill.host import Host
        from checkmill.steps.reading import read

        # Drafts need no plugin, so that none is looked for.
        return read(self._checks_dir, Host(entry_points=()), self._edges.environ)

    @property
    def _checks_dir(self) -> Path:
        from checkmill.cli.places import checks_directory

        return checks_directory(self._path("checks_dir"), self._edges.environ)

    # The store

    def _stored_checks(self) -> Words:
        words = dict(self._checks())
        return iter([*words.items(), *((name, "stored") for name in self._stored(None) if name not in words)])

    def _items(self, current: str) -> Words:
        """Label and value of each service that agrees with the items there are; the value alone where that is typed."""
        from checkmill.cli.items import is_meant
        from checkmill.store.forgetting import known_services

        items = self._given.get("item", ())
        names = [*self._given.get("name", ()), *self._given.get("names", ())]
        services = [one for stored in self._stored(names).values() for one in known_services(stored)]
        meant = [one for one in services if is_meant(one, items)]
        words = dict.fromkeys(f"{label}={value}" for one in meant for label, value in one.labels)
        if len({one.source for one in services}) > 1:
            words |= dict.fromkeys(f"source={one.source}" for one in meant if one.source)
        if current and not any(word.startswith(current) for word in words):
            alone = [one.labels[0][1] for one in meant if len(one.labels) == 1]
            words |= dict.fromkeys(value for value in alone if value.startswith(current))
        return ((word, "") for word in sorted(words))

    def _deliveries(self) -> Words:
        """The numbers of the deliveries that an action of `outbox` is for."""
        from checkmill.cli.choosing import ASIDE, OPEN, target_words
        from checkmill.model.delivery import Stage

        action = next(iter(self._given.get("action", ())), "list")
        stages = {"retry": (*ASIDE, Stage.PENDING), "drop": (*ASIDE, Stage.PENDING), "list": OPEN, "show": ()}
        for store in self._stores() if action in stages else ():
            for one in store.outbox.deliveries(stages[action], limit=MOST_DELIVERIES):
                yield str(one.id), f"{one.stage.value} {one.state} {one.reporter} {target_words(one.target)}"

    def _reporters(self) -> Words:
        """The reporters that the outbox knows."""
        for store in self._stores():
            for name in store.outbox.health(self._edges.now()).reporters:
                yield name, ""

    def _targets(self) -> Words:
        """The labels and values of the targets of what waits or was laid aside."""
        from checkmill.cli.choosing import OPEN, target_parts

        words: dict[str, str] = {}
        for store in self._stores():
            for one in store.outbox.deliveries(OPEN, limit=MOST_DELIVERIES):
                words |= dict.fromkeys(target_parts(one.target), one.reporter)
        return iter(words.items())

    def _stored(self, names: Sequence[str] | None) -> dict[str, Stored]:
        found: dict[str, Stored] = {}
        for store in self._stores():
            found |= store.stored(os.path.realpath(self._checks_dir), names)
        return found

    def _stores(self) -> Iterator[Store]:
        """The store, if there is one: nothing is made for a prompt."""
        from checkmill.cli.places import state_directory_of
        from checkmill.store import DATABASE, Store

        directory = state_directory_of(
            self._path("state_dir"), self._edges.environ, sandbox=self._sandbox, seed=self._seed
        )
        if directory is None or not (directory / DATABASE).is_file():
            return
        store = Store.open(directory, busy_s=BUSY_S)
        try:
            yield store
        finally:
            store.close()

    # Plugins

    def _types(self) -> Words:
        from checkmill.host import Host

        for source in Host().sources():
            yield source.type, source.help

    def _metrics(self) -> Words:
        from checkmill.host import Host

        for name in self._given.get("type", ()):
            kind = Host().source_type(name)
            for metric in metrics_of(kind) if kind is not None else ():
                yield metric.name, metric.help

    # What the line says

    @property
    def _sandbox(self) -> bool:
        return "sandbox" in self._given

    @property
    def _seed(self) -> int:
        given = self._given.get("sandbox_seed", ())
        return int(given[-1]) if given else DEFAULT_SEED

    def _path(self, argument: str) -> str | None:
        given = self._given.get(argument, ())
        if not given:
            return None
        # The shell has not done it yet.
        home = self._edges.environ.get("HOME")
        return home + given[-1][1:] if home and given[-1].startswith("~/") else given[-1]
