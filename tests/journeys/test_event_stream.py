"""The log through HTTP: followed, filtered, taken up again; by many, by slow ones, by strangers."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

import httpx
import pytest

from adapters.dcb import LogEvent
from adapters.memory.recorder import MemoryRecorder
from commands.access.token import RevokeToken
from commands.access.user import ChangeUserRole, RemoveUser
from console_api import tail
from console_api.bootstrap import in_memory
from console_api.http import event_stream, stream
from console_api.http.event_stream import _chunks
from console_api.tail import Frame, Tail, Wanted, page_of
from domain.access.user import UserAdded
from domain.core.event import stored_name
from tests.journeys.listeners import (
    FOUNDER,
    PATIENCE_SECONDS,
    STREAM,
    Listener,
    Station,
    blocks,
    eventually,
    opened,
    staffed,
)
from tests.journeys.office import told as told_json
from tests.journeys.terminal import Terminal

POSTGRES: Final = pytest.param("postgres", marks=pytest.mark.postgres)
ENDS_SECONDS_MAX: Final = 2.0
ADDED: Final = "user.added"


@pytest.fixture
def place() -> Iterator[Station]:
    with staffed(in_memory()) as found:
        yield found


@pytest.fixture(scope="module")
def shared() -> Iterator[Station]:
    """One server for tests that leave no stream open and change nothing that others rely on."""
    with staffed(in_memory()) as found:
        yield found


@pytest.fixture(params=["sqlite", POSTGRES])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Station]:
    kind = str(request.param)
    url = request.getfixturevalue("postgres_url") if kind == "postgres" else None
    with staffed(opened(kind, tmp_path, url)) as found:
        yield found


def write(place: Station, times: int, name: str = "w", pause_seconds: float = 0.0) -> None:
    for nth in range(times):
        place.add_user(f"{name}{nth}")
        sleep(pause_seconds)


# -- following


def test_lines_that_break_lose_nothing_and_repeat_nothing(database: Station) -> None:
    """Three writers; a client that hangs up again and again, and comes back with what it saw."""
    start = database.business.log.head()
    writers = [
        threading.Thread(target=write, args=(database, 40, name, 0.005)) for name in ("a", "b", "c")
    ]
    for each in writers:
        each.start()
    found: list[int] = []
    lines = 0
    until = start + 3 * 40 * 2
    with httpx.Client(headers=database.headers(), timeout=PATIENCE_SECONDS) as client:
        while not found or found[-1] < until:
            lines += 1
            seen = found[-1] if found else start
            came = {"Last-Event-ID": str(seen)}
            with client.stream("GET", database.url + STREAM, headers=came) as response:
                for block in blocks(response.iter_raw()):
                    if block.data is not None:
                        assert block.id == block.data["position"]
                        found.append(block.data["position"])
                        if len(found) % 37 == 0 or found[-1] == until:
                            break
    for each in writers:
        each.join()
    assert found == list(range(start + 1, until + 1))
    assert lines > 3


def test_what_happens_arrives_at_once(database: Station) -> None:
    listener = Listener(database)
    assert listener.began.wait(PATIENCE_SECONDS)
    delays = []
    for nth in range(10):
        position = database.add_user(f"p{nth}")
        done = monotonic()
        eventually(lambda position=position: position in listener.positions)
        delays.append(listener.arrived[-1] - done)
    assert sorted(delays)[5] < 0.2


def test_one_stream_tells_what_the_read_model_and_the_log_tell(shared: Station) -> None:
    shared.add_user("zoe", "Zoë \u2028 of \x85 lines")
    shared.business.draw()
    found = [each for each in shared.told(after=0) if each.data]
    head = shared.business.log.head()
    assert [each.id for each in found] == list(range(1, head + 1))
    for block, recorded in zip(found, shared.business.log.page(after=0, limit=head), strict=True):
        row = told_json(shared.get(path=f"/api/v1/events/{recorded.id}"))  # type: ignore[arg-type]
        data = block.data
        assert block.event == data["type"] == recorded.type == row["type"]
        assert data["hash"] == recorded.hash == row["metadata"]["hash"]
        assert data["tags"] == list(recorded.tags)
        assert data["occurredAt"] == row["occurredAt"]
        assert data["causationId"] == row["metadata"]["causationId"]
        assert json.dumps(data["fact"]) == json.dumps(row["payload"], default=float)


def test_without_a_position_it_begins_now_and_says_where(place: Station) -> None:
    head = place.business.log.head()
    listener = Listener(place)
    assert listener.began.wait(PATIENCE_SECONDS)
    assert (listener.heard[0].id, listener.heard[0].event) == (head, "")
    place.add_user("ada")
    eventually(lambda: listener.positions == [head + 1, head + 2])


def test_a_position_beyond_the_head_is_waited_for(place: Station) -> None:
    head = place.business.log.head()
    listener = Listener(place, query={"after": head + 3})
    assert listener.began.wait(PATIENCE_SECONDS)
    write(place, 3)
    eventually(lambda: listener.positions == [head + 4, head + 5, head + 6])
    assert listener.heard[0].event == ""


def test_a_stream_ends_by_itself_now_and_then(
    place: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "STREAM_SECONDS_MAX", 0.2)
    listener = Listener(place, after=0)
    listener.join(ENDS_SECONDS_MAX)
    assert listener.positions == list(range(1, place.business.log.head() + 1))


# -- what proxies, browsers and generated clients see


def test_nobody_in_between_may_hold_it_back(shared: Station) -> None:
    response = shared.get(follow="false")
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["X-Accel-Buffering"] == "no"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert int(response.headers["X-Position"]) == shared.business.log.head()
    assert response.text.startswith("retry: 2000\nid: ")
    about = httpx.get(f"{shared.url}/openapi.json").json()["paths"][STREAM]["get"]
    assert about["operationId"] == "streamEvents"
    assert set(about["responses"]) == {"200", "400", "401", "403", "429", "500", "503"}
    assert list(about["responses"]["200"]["content"]) == ["text/event-stream"]


def test_a_silent_stream_says_that_it_lives_and_where_it_is(
    place: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "KEEP_ALIVE_SECONDS", 0.1)
    listener = Listener(place, query={"type": "order.recorded"})
    assert listener.began.wait(PATIENCE_SECONDS)
    position = place.add_user("ada")
    eventually(lambda: listener.heard[-1].id == position)
    assert listener.heard[-1].comment == "still here"
    assert listener.events == []


# -- filters


def test_types_and_tags_choose(shared: Station) -> None:
    ada, bob = shared.add_user("ada"), shared.add_user("bob")
    everything = shared.business.log.page(after=0, limit=500)
    assert [
        each.data["position"] for each in shared.told(after=0, tag="user:ada") if each.data
    ] == [ada]
    both = shared.told(after=ada - 2, type=[ADDED, "verdict.recorded"])
    assert [each.id for each in both if each.data] == [
        each.position
        for each in everything
        if each.position > ada - 2 and each.type in (ADDED, "verdict.recorded")
    ]
    assert [each.id for each in shared.told(after=0, type=ADDED, tag="user:bob") if each.data] == [
        bob
    ]
    nothing = shared.told(after=0, type="verdict.recorded", tag=["user:ada", "user:bob"])
    assert [each.id for each in nothing] == [0, shared.business.log.head()]


def test_a_position_is_told_however_much_is_passed_over(
    place: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "PASSED_OVER_MAX", 10)
    monkeypatch.setattr(tail, "PAGE_EVENTS", 5)
    write(place, 30)
    ids = [each.id for each in place.told(after=0, type="order.recorded")]
    assert ids[:4] == [0, 10, 20, 30]
    assert ids[-1] == place.business.log.head()


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"type": "user.aded"}, "did you mean user.added"),
        ({"type": "x"}, "nor anything like it"),
        ({"tag": ""}, "1 to 255 characters"),
        ({"tag": "x" * 256}, "1 to 255 characters"),
        ({"tag": [f"t:{nth}" for nth in range(17)]}, "at most 16 tags"),
        ({"after": "now"}, "whole number"),
        ({"after": "-1"}, "whole number"),
        ({"after": ["1", "2"]}, "once at most"),
        ({"follow": "maybe"}, "true or false"),
        ({"types": ADDED}, "only: after, follow, tag, type"),
    ],
)
def test_what_makes_no_sense_is_a_clear_no(shared: Station, query: Any, says: str) -> None:
    response = shared.get(**query)
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"
    assert says in response.json()["detail"]


def test_a_position_that_is_none_is_a_clear_no(shared: Station) -> None:
    for said in ("abc", "1.5", "9" * 19):
        headers = shared.headers(**{"Last-Event-ID": said})
        response = httpx.get(shared.url + STREAM, headers=headers)
        assert response.status_code == 400
        assert "Last-Event-ID must be a whole number" in response.json()["detail"]


# -- who may


def test_agents_and_strangers_do_not_read_the_log(shared: Station) -> None:
    response = shared.get("agent:support")
    assert (response.status_code, response.json()["code"]) == (403, "role_not_permitted")
    assert httpx.get(shared.url + STREAM).status_code == 401


@pytest.mark.parametrize("how", ["revoked", "removed", "promoted"])
def test_whoever_loses_the_key_loses_the_stream(place: Station, how: str) -> None:
    token_id = place.token("user:vera").split("_")[1]
    ends = {
        "revoked": RevokeToken(token_id=token_id),
        "removed": RemoveUser(user_id="vera"),
        "promoted": ChangeUserRole.model_validate({"userId": "vera", "role": "operator"}),
    }[how]
    other, listener = Listener(place), Listener(place, who="user:vera")
    assert other.began.wait(PATIENCE_SECONDS)
    assert listener.began.wait(PATIENCE_SECONDS)
    before = place.add_user("before")
    eventually(lambda: before in listener.positions)
    receipt = place.business.do(ends, FOUNDER)
    done = monotonic()
    position = place.add_user("after")
    listener.join(ENDS_SECONDS_MAX)
    assert not listener.is_alive()
    assert listener.ended - done < ENDS_SECONDS_MAX
    assert max(listener.positions) < receipt.position
    assert "does not open the log" in listener.heard[-1].comment
    eventually(lambda: position in other.positions)


def test_a_key_that_runs_out_ends_the_stream(
    place: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "KEEP_ALIVE_SECONDS", 0.1)
    listener = Listener(place, who="user:vera")
    assert listener.began.wait(PATIENCE_SECONDS)
    clock = place.business.clock
    place.business.clock = lambda: clock() + 366 * 86_400 * 1_000_000
    listener.join(ENDS_SECONDS_MAX)
    assert not listener.is_alive()


# -- many, and slow ones


def positions(whole: list[bytes]) -> list[int]:
    found = blocks(text + b"\n\n" for text in whole)
    return [each.data["position"] for each in found if each.data]


def test_hundreds_of_streams_hear_everything(database: Station) -> None:
    count, events = 300, 40
    names = ["user:founder", "user:vera"]
    tokens = [database.headers(name) for name in names]
    start = database.business.log.head()

    async def listen(client: httpx.AsyncClient, nth: int) -> list[int]:
        found: list[int] = []
        rest = b""
        async with client.stream(
            "GET", database.url + STREAM, headers={**tokens[nth % 2], "Last-Event-ID": str(start)}
        ) as response:
            assert response.status_code == 200
            async for part in response.aiter_raw():
                rest += part
                *whole, rest = rest.split(b"\n\n")
                found += positions(whole)
                if len(found) >= events:
                    break
        return found

    async def all_of_them() -> list[list[int]]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(limits=limits, timeout=PATIENCE_SECONDS) as client:
            return await asyncio.gather(*(listen(client, nth) for nth in range(count)))

    writer = threading.Thread(target=write, args=(database, events // 2, "w", 0.02))
    writer.start()
    found = asyncio.run(all_of_them())
    writer.join()
    assert len(found) == count
    wanted = list(range(start + 1, start + events + 1))
    assert all(each[:events] == wanted for each in found)


def big(place: Station, events: int, size: int) -> None:
    """Append what is too large for the buffers of the system."""
    recorder = place.business.log.recorder
    data = json.dumps({"user_id": "x", "name": "x" * size, "role": "viewer"}).encode()
    type_ = stored_name(UserAdded)
    for _ in range(events):
        recorder.append([LogEvent(type=type_, data=data, tags=["big"])])


def test_a_client_that_does_not_read_is_hung_up_on_and_harms_nobody(
    place: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "READ_SECONDS_MAX", 1.0)
    big(place, 300, 100_000)
    address = httpx.URL(place.url)
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        line.connect((address.host, address.port))
        request = f"GET {STREAM}?after=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
        line.sendall(f"{request}{place.token('user:vera')}\r\n\r\n".encode())
        began = monotonic()
        listener = Listener(place)
        assert listener.began.wait(PATIENCE_SECONDS)
        position = place.add_user("meanwhile")
        eventually(lambda: position in listener.positions)
        assert monotonic() - began < ENDS_SECONDS_MAX
        sleep(1.5)
        line.settimeout(PATIENCE_SECONDS)
        with pytest.raises(ConnectionResetError):
            drain(line)


def drain(line: socket.socket) -> None:
    while line.recv(1_000_000):
        pass


def test_a_slow_reader_gets_everything(place: Station) -> None:
    big(place, 40, 100_000)
    after = place.business.log.head() - 40
    seen = []
    with httpx.stream(
        "GET", place.url + STREAM, headers=place.headers(), params={"after": after}
    ) as response:
        for block in blocks(response.iter_raw()):
            sleep(0.005)
            seen += [block.id] if block.data else []
            if len(seen) == 40:
                break
    assert seen == list(range(after + 1, after + 41))


def test_what_is_kept_is_bounded_and_whoever_falls_out_reads_the_log(
    place: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "KEPT_BYTES_MAX", 1_000_000)
    found = Tail(place.business)
    start = found.head()
    big(place, 60, 100_000)
    eventually(lambda: found.position == start + 60)
    assert sum(page.bytes for page in found._kept) < 1_000_000 + 2 * 110_000
    assert found.kept(start) is None
    page = found.read(start)
    assert (page.after, page.frames[0].position) == (start, start + 1)
    assert page.bytes < tail.PAGE_BYTES + 2 * 110_000  # a page ends early where events are large
    assert page.upto == page.frames[-1].position < start + 60
    newest = found.kept(start + 59)
    assert newest is not None
    assert newest.upto == start + 60
    assert found.kept(start + 60) is None
    oldest = found._kept[0].after
    joined = found.kept(oldest)  # in one piece, and no event left out
    assert joined is not None
    assert [f.position for f in joined.frames] == list(range(oldest + 1, joined.upto + 1))
    found.close()


def test_seats_are_counted_and_given_back(place: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "STREAMS_EACH_MAX", 2)
    monkeypatch.setattr(stream, "STREAMS_MAX", 3)
    mine = [Listener(place, enough=1) for _ in range(2)]
    assert all(each.began.wait(PATIENCE_SECONDS) for each in mine)
    mine_full = place.get()
    assert (mine_full.status_code, mine_full.json()["code"]) == (429, "too_many_streams_of_yours")
    assert mine_full.headers["Retry-After"] == "5"
    hers = Listener(place, who="user:vera", enough=1)
    assert hers.began.wait(PATIENCE_SECONDS)
    full = place.get("user:vera")
    assert (full.status_code, full.json()["code"]) == (503, "too_many_streams")
    assert full.headers["Retry-After"] == "5"
    place.add_user("enough")  # all of them have heard one event, and go
    for each in (*mine, hers):
        each.join(PATIENCE_SECONDS)
    eventually(lambda: place.get("user:vera", follow="false").status_code == 200)


# -- the end, and the day before


def test_streams_end_when_the_server_stops() -> None:
    with staffed(in_memory()) as found:
        listener = Listener(found)
        assert listener.began.wait(PATIENCE_SECONDS)
        stopping = monotonic()
    listener.join(ENDS_SECONDS_MAX)
    assert not listener.is_alive()
    assert listener.ended - stopping < ENDS_SECONDS_MAX


def test_a_client_from_before_a_restore_is_told(place: Station) -> None:
    head = place.business.log.head()
    listener = Listener(place, after=head + 100)
    assert listener.began.wait(PATIENCE_SECONDS)
    eventually(lambda: bool(listener.events))
    assert (listener.events[0].event, listener.events[0].id) == ("reset", head)
    place.add_user("ada")
    eventually(lambda: listener.positions == [head, head + 1, head + 2])


def test_a_restore_under_a_running_server_is_told(place: Station) -> None:
    listener = Listener(place)
    assert listener.began.wait(PATIENCE_SECONDS)
    position = place.add_user("forgotten")
    eventually(lambda: listener.positions == [position - 1, position])
    restore(place, position - 2)
    eventually(lambda: listener.events[-1].event == "reset")
    assert listener.events[-1].id == position - 2
    place.add_user("remembered")
    eventually(lambda: listener.positions[-2:] == [position - 1, position])
    assert listener.events[-1].data["fact"]["user_id"] == "remembered"


def restore(place: Station, head: int) -> None:
    """Put the log back to an earlier day, as only a restore can."""
    recorder = place.business.log.recorder
    assert isinstance(recorder, MemoryRecorder)
    with recorder._database_lock:
        del recorder._rows[head:], recorder.events[head:]
        recorder._ids = {id: at for id, at in recorder._ids.items() if at <= head}
        for tag, positions in recorder._tagged.items():
            recorder._tagged[tag] = [at for at in positions if at <= head]


def test_a_log_that_cannot_be_read_is_waited_for(
    place: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "BROKEN_SECONDS", 0.05)
    listener = Listener(place)
    assert listener.began.wait(PATIENCE_SECONDS)
    log = place.business.log
    broken = threading.Event()
    broken.set()
    page = type(log).page

    def breaks(self: Any, **words: Any) -> Any:
        if broken.is_set() and threading.current_thread().name != "MainThread":
            from domain.ports import StoreUnavailable

            raise StoreUnavailable("gone")
        return page(self, **words)

    monkeypatch.setattr(type(log), "page", breaks)
    position = place.add_user("ada")
    sleep(0.3)
    assert listener.positions == []
    broken.clear()
    eventually(lambda: listener.positions == [position - 1, position])


# -- small parts


def test_of_several_facts_at_one_position_only_the_last_says_so() -> None:
    """An upcaster may split an event; a client that leaves in between meets both parts again."""
    frames = [Frame(position, ADDED, frozenset(), b"{}") for position in (1, 2, 2, 3)]
    found = list(blocks(_chunks(frames)))
    assert [each.id for each in found] == [1, None, 2, 3]


def test_a_page_covers_what_was_read_even_if_nothing_is_left_of_it() -> None:
    page = page_of(10, 20, [])
    assert (page.after, page.upto, page.frames) == (10, 20, ())


def test_wanted_is_any_type_and_every_tag() -> None:
    frame = Frame(1, ADDED, frozenset({"a", "b"}), b"")
    assert Wanted()(frame)
    assert Wanted(frozenset({ADDED, "x"}), frozenset({"a"}))(frame)
    assert not Wanted(frozenset({"x"}))(frame)
    assert not Wanted(frozenset(), frozenset({"a", "c"}))(frame)


# -- from a terminal


def test_a_terminal_tells_the_log(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "data")
    terminal.json("users", "add", "ada", "--role", "viewer")
    lines = terminal.bos("events", "--json").out.splitlines()
    assert [json.loads(line)["position"] for line in lines] == list(range(1, len(lines) + 1))
    (line,) = terminal.bos("events", "--tag", "user:ada", "--json").out.splitlines()
    assert json.loads(line)["fact"]["user_id"] == "ada"
    table = terminal.bos("events", "--after", str(len(lines) - 1)).out.splitlines()
    assert table[0].split() == ["position", "occurred", "at", "type", "actor", "tags"]
    assert table[1].split()[0] == str(len(lines))
    wrong = terminal.bos("events", "--type", "user.aded")
    assert (wrong.code, wrong.out) == (2, "")
    assert "did you mean user.added" in wrong.err
    assert terminal.bos("events", "--type", "order.recorded").out == "No events like that.\n"


def test_a_terminal_follows_a_server(place: Station, tmp_path: Path) -> None:
    url = ("--url", place.url, "--token", place.token("user:founder"))
    terminal = Terminal(tmp_path / "unused")
    head = place.business.log.head()
    said = terminal.bos("events", *url, "--json")
    assert [json.loads(line)["position"] for line in said.out.splitlines()] == [*range(1, head + 1)]
    assert terminal.bos("events", *url, "--type", "nothing").code == 2
    gone = terminal.bos("events", "--url", "http://127.0.0.1:9", "--token", "bos_x_y", "--follow")
    assert gone.code == 3
    assert "does not answer" in gone.err
    process = terminal.start("events", *url, "--follow", "--json", "--type", ADDED)
    try:
        assert process.stdout is not None
        found: list[Any] = []
        reader = threading.Thread(target=lambda: found.append(process.stdout.readline()))  # type: ignore[union-attr]
        reader.start()
        ends = monotonic() + PATIENCE_SECONDS
        while not found and monotonic() < ends:
            place.add_user(f"u{monotonic()}".replace(".", ""))
            sleep(0.2)
        reader.join(1)
        assert json.loads(found[0])["type"] == ADDED
    finally:
        process.kill()
        process.communicate()
