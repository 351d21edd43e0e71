"""Whatever is asked, in whatever order: each recorder answers as a plain list would."""

import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from adapters.admission import GroupRecorder, admit
from adapters.chain import GENESIS, body_digest, link, verify
from adapters.dcb import (
    DCBAppendCondition,
    DCBQuery,
    DCBQueryItem,
    IdsPartlyUsed,
    IntegrityError,
    LogEvent,
    LogRow,
)
from adapters.memory.recorder import MemoryRecorder
from adapters.postgres.recorder import PostgresRecorder
from adapters.postgres.schema import migrate as migrate_postgres
from adapters.sqlite.recorder import SqliteRecorder
from adapters.sqlite.schema import migrate as migrate_sqlite

LONG: Final = "BOS_FAULTS_MINUTES" in os.environ
POSTGRES: Final = pytest.param("postgres", marks=pytest.mark.postgres)
NO_NUL: Final = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
AWKWARD: Final = ('"', "\\", '\\"', "NULL", "{}", ",", "\n", "\x01", "\U0001f702", "ß", "e\u0301")

words = st.sampled_from(["a", "b", "c"]) | st.sampled_from(AWKWARD) | st.text(NO_NUL, max_size=3)
tags = words.filter(bool)
types = st.sampled_from(["one", "two", "\U0001f702"])
places = st.integers(0, 25)
events = st.builds(
    LogEvent,
    type=types,
    data=st.binary(max_size=9),
    tags=st.lists(tags, max_size=4),
    schema_version=st.integers(1, 2**31 - 1),
    occurred_at=st.integers(-(2**63), 2**63 - 1),
    actor=words,
    correlation_id=words,
    causation_id=words,
)
batches = st.lists(events, min_size=1, max_size=4)
items = st.builds(DCBQueryItem, types=st.lists(types, max_size=2), tags=st.lists(tags, max_size=3))
single_tags = st.builds(DCBQueryItem, tags=st.lists(tags, min_size=1, max_size=1))
queries = st.builds(DCBQuery, st.lists(items, max_size=3) | st.lists(single_tags, max_size=4))
conditions = st.none() | st.builds(DCBAppendCondition, queries, st.none() | places)


class Model:
    """A log as a list."""

    def __init__(self) -> None:
        self.rows: list[LogRow] = []

    def matching(self, query: DCBQuery, after: int | None) -> list[LogRow]:
        return [
            row
            for row in self.rows[after or 0 :]
            if not query.items
            or any(
                (not item.types or row.type in item.types) and set(item.tags) <= set(row.tags)
                for item in query.items
            )
        ]

    def append(
        self, batch: list[LogEvent], condition: DCBAppendCondition | None
    ) -> int | type[IntegrityError]:
        stored = {row.id: row.position for row in self.rows if row.id is not None}
        found = [stored[event.id] for event in batch if event.id in stored]
        if found:
            whole = [*range(found[0], found[0] + len(batch))]
            return found[-1] if found == whole else IdsPartlyUsed
        if condition and self.matching(condition.fail_if_events_match, condition.after):
            return IntegrityError
        for event in batch:
            previous = self.rows[-1].hash if self.rows else GENESIS
            position = len(self.rows) + 1
            hash = link(previous, position, body_digest(event))
            self.rows.append(
                LogRow(
                    position,
                    event.id,
                    event.type,
                    event.schema_version,
                    event.occurred_at,
                    event.actor,
                    event.correlation_id,
                    event.causation_id,
                    tuple(event.tags),
                    event.data,
                    hash,
                )
            )
        return len(self.rows)


class Recording(RuleBasedStateMachine):
    """Recorders of one log, as if in several processes, beside the model."""

    def __init__(self, fresh: Callable[[], list[GroupRecorder]]) -> None:
        super().__init__()
        self.logs = fresh()
        self.log = self.logs[0]
        self.model = Model()
        self.sent: list[list[LogEvent]] = []

    def teardown(self) -> None:
        rows = self.log.page(0, 10_000)
        for log in self.logs:
            log.close()
        assert rows == self.model.rows
        assert verify(rows) is None

    def appended(self, batch: list[LogEvent], condition: DCBAppendCondition | None) -> None:
        expected = self.model.append(batch, condition)
        try:
            outcome: int | type[IntegrityError] = self.log.append(batch, condition)
        except IntegrityError as refusal:
            outcome = type(refusal)
        assert outcome == expected

    @rule(nth=st.integers(0, 1))
    def go_on_in_another_process(self, nth: int) -> None:
        self.log = self.logs[nth % len(self.logs)]

    @rule(batch=batches, condition=conditions, named=st.booleans())
    def append(
        self, batch: list[LogEvent], condition: DCBAppendCondition | None, named: bool
    ) -> None:
        for nth, event in enumerate(batch if named else []):
            event.id = f"{len(self.sent)}:{nth}"
        self.sent.append(batch)
        self.appended(batch, condition)

    @rule(
        group=st.lists(
            st.tuples(batches, conditions, st.none() | st.integers(0, 3)), min_size=2, max_size=6
        ),
        as_of_now=st.booleans(),
    )
    def append_a_group(
        self,
        group: list[tuple[list[LogEvent], DCBAppendCondition | None, int | None]],
        as_of_now: bool,
    ) -> None:
        """Several requests in one transaction; a number is a name, which two of them may share."""
        begins, head = len(self.sent), len(self.model.rows)
        for batch, condition, name in group:
            if name is not None:
                for nth, event in enumerate(batch):
                    event.id = f"{begins + name}:{nth}"
            if condition is not None and as_of_now:
                condition.after = head
            self.sent.append(batch)
        expected = [self.model.append(batch, condition) for batch, condition, _ in group]
        outcomes = self.log.append_group([admit(batch, condition) for batch, condition, _ in group])
        assert [each if isinstance(each, int) else type(each) for each in outcomes] == expected

    @rule(batch=batches, tags_read=st.lists(tags, min_size=1, max_size=3))
    def read_and_append(self, batch: list[LogEvent], tags_read: list[str]) -> None:
        _, head = self.log.fetch(dict.fromkeys(tags_read, 0))
        query = DCBQuery([DCBQueryItem(tags=[tag]) for tag in tags_read])
        self.appended(batch, DCBAppendCondition(query, head))

    @rule(nth=places, condition=conditions, cut=st.integers(0, 2), more=st.none() | events)
    def append_again(
        self, nth: int, condition: DCBAppendCondition | None, cut: int, more: LogEvent | None
    ) -> None:
        if self.sent:
            again = self.sent[nth % len(self.sent)]
            again = again[cut:] or again
            if more and again[0].id:
                more.id = f"more:{len(self.model.rows)}"
            self.appended([*again, *([more] if more else [])], condition)

    @rule(cursors=st.dictionaries(tags, places, max_size=5))
    def fetch(self, cursors: dict[str, int]) -> None:
        expected = [
            row
            for row in self.model.rows
            if any(tag in row.tags and row.position > after for tag, after in cursors.items())
        ]
        assert self.log.fetch(cursors) == (expected, len(self.model.rows))

    @rule(query=queries, after=st.none() | places, limit=st.none() | st.integers(0, 5))
    def read(self, query: DCBQuery, after: int | None, limit: int | None) -> None:
        expected = self.model.matching(query, after)[:limit]
        response = self.log.read(query, after=after, limit=limit)
        found = [(each.position, each.event) for each in response]
        assert found == [(row.position, row.event()) for row in expected]
        reached = self.model.rows if limit is None else expected
        assert response.head == (reached[-1].position if reached else None)

    @rule(after=places, limit=st.integers(0, 9), upto=st.none() | places)
    def page(self, after: int, limit: int, upto: int | None) -> None:
        assert self.log.page(after, limit, upto) == self.model.rows[after:upto][:limit]

    @rule(position=places)
    def look_up(self, position: int) -> None:
        row = next((row for row in self.model.rows if row.position == position), None)
        assert self.log.row(position) == row
        if row and row.id:
            assert self.log.position_of(row.id) == position

    @invariant()
    def the_head_is_the_number_of_events(self) -> None:
        assert self.log.head() == len(self.model.rows)


@pytest.fixture(params=["memory", "sqlite", POSTGRES])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], list[GroupRecorder]]:
    """What opens one empty log after the other; a database's twice."""
    numbers = count()
    url: str = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""

    def memory() -> list[GroupRecorder]:
        return [MemoryRecorder()]

    def sqlite() -> list[GroupRecorder]:
        path = tmp_path / f"{next(numbers)}.db"
        migrate_sqlite(path)
        return [SqliteRecorder(path), SqliteRecorder(path)]

    def postgres() -> list[GroupRecorder]:
        schema = f"log_{next(numbers)}"
        migrate_postgres(url, schema=schema)
        return [PostgresRecorder(url, schema=schema, connections_max=1) for _ in range(2)]

    return {"memory": memory, "sqlite": sqlite, "postgres": postgres}[request.param]


def run(fresh: Callable[[], list[GroupRecorder]], *, examples: int, steps: int) -> None:
    class Recorded(Recording):
        def __init__(self) -> None:
            super().__init__(fresh)

    run_state_machine_as_test(
        Recorded,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_recorder_answers_as_a_list_would(fresh: Callable[[], list[GroupRecorder]]) -> None:
    run(fresh, examples=20, steps=25)


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(0 if LONG else 300)
def test_a_recorder_answers_as_a_list_would_for_long(
    fresh: Callable[[], list[GroupRecorder]],
) -> None:
    run(fresh, examples=500 if LONG else 15, steps=60)
