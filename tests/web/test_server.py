"""The server as it runs: sockets, slow clients, many clients, a taken port, Ctrl-C."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sbir_cli.web import server as serving
from sbir_cli.web.app import DrawingPage
from sbir_cli.web.server import find_place
from sbir_cli.web.watched import WatchedGallery
from tests.cli.conftest import command, environment
from tests.web.conftest import asked

pytestmark = pytest.mark.slow


@pytest.fixture
def port(watched: WatchedGallery) -> Iterator[int]:
    """A running server's port."""
    place = find_place(0, lan=False)
    app, ready = DrawingPage([watched]).app, threading.Event()
    server = serving.make_server(app, place, ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [place.listening]})
    thread.start()
    assert ready.wait(20)
    yield place.listening.getsockname()[1]
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


def _post(port: int, path: str, body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_answers_do_not_wait_for_the_browser_to_confirm_their_head() -> None:
    """asyncio turns Nagle's algorithm off for connections whose protocol it is told."""
    with find_place(0, lan=False).listening as listening:
        assert listening.proto == socket.IPPROTO_TCP
        with socket.create_connection(listening.getsockname()):
            accepted, _ = listening.accept()
            with accepted:
                assert accepted.proto == socket.IPPROTO_TCP


def test_a_gigabyte_is_refused_before_it_is_sent(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        head = f"POST /api/read HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {1 << 30}\r\n"
        client.sendall(head.encode() + b"\r\n" + b"x" * 100_000)
        assert client.recv(4096).startswith(b"HTTP/1.1 413")
        client.settimeout(10)
        with pytest.raises((ConnectionError, BrokenPipeError, TimeoutError)):
            for _ in range(1 << 10):  # the rest is not taken
                client.sendall(b"x" * (1 << 20))


def test_a_client_that_does_not_finish_its_question_is_left(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.5)
    host = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode()
    for begun in (b"", host[:20], host):
        with socket.create_connection(("127.0.0.1", port), 10) as client:
            client.sendall(begun)
            assert client.recv(10) == b""  # hung up
    assert _post(port, "/api/find", json.dumps(asked()).encode())[0] == 200


def test_slow_clients_keep_nobody_else_waiting(port: int) -> None:
    slow = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(100)]
    try:
        for client in slow:
            client.sendall(b"POST /api/find HTTP/1.1\r\nHost: 127.0.0.1")
        started = time.monotonic()
        assert _post(port, "/api/find", json.dumps(asked()).encode())[0] == 200
        assert time.monotonic() - started < 5
    finally:
        for client in slow:
            client.close()


def test_fifty_clients_draw_at_once(port: int) -> None:
    """Each asks again and again with its own page name; the last question of each is answered."""

    def draw(client: int) -> list[int]:
        codes = []
        for number in range(1, 7):
            body = json.dumps(asked(page=f"p{client}", number=number)).encode()
            code, _ = _post(port, "/api/find", body)
            while code == 429:  # as the page does
                time.sleep(0.4)
                code, _ = _post(port, "/api/find", body)
            codes.append(code)
        return codes

    with ThreadPoolExecutor(50) as pool:
        for codes in pool.map(draw, range(50)):
            assert codes == [200] * 6


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            command("draw", "--no-open", "--port", str(port)),
            capture_output=True,
            env=environment(),
            timeout=60,
            check=False,
        )
    assert done.returncode == 2 and done.stdout == b""
    assert done.stderr.decode().splitlines() == [
        f"sbir: port {port} cannot be used (address already in use); choose another --port, or "
        "leave it out"
    ]


def test_the_usual_port_may_be_taken() -> None:
    first, second = (find_place(None, lan=False).listening for _ in range(2))
    with first, second:
        assert first.getsockname() != second.getsockname()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_tells_its_address_and_ends_quietly(end: signal.Signals) -> None:
    process = subprocess.Popen(
        command("draw", "--no-open", "--port", "0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    url = process.stdout.readline().decode().strip()
    assert url.startswith("http://127.0.0.1:")
    port = int(url.rstrip("/").rpartition(":")[2])
    assert _post(port, "/api/find", json.dumps(asked()).encode())[0] == 200
    process.send_signal(end)
    out, err = process.communicate(timeout=20)
    assert out == b"" and b"Traceback" not in err and b"stopped" in err
    assert process.returncode == 0


def test_without_the_extra_there_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "starlette.py").write_text("raise ImportError('no', name='starlette')")
    env = environment()
    env["PYTHONPATH"] = os.pathsep.join([str(tmp_path), env["PYTHONPATH"]])
    done = subprocess.run(command("draw"), capture_output=True, env=env, timeout=60, check=False)
    assert done.returncode == 1 and b"pip install 'sbir[draw]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_in_the_network_the_address_holds_a_token_and_a_code_shows_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from sbir_cli.cli.draw import say_code

    try:
        place = find_place(0, lan=True)
    except Exception as error:
        pytest.skip(f"this machine is in no network ({error})")
    with place.listening:
        assert place.token is not None and len(place.token) >= 20
        assert place.url.endswith(f"/?token={place.token}")
        assert "127.0.0.1" not in " ".join(place.hosts)
        say_code(place.url)
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") > 10
