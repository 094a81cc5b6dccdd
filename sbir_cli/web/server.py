"""Where the page is served: an address, a socket, and uvicorn with patience that ends."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from sbir_cli.errors import SbirError, UsageError
from sbir_cli.web.guard import Guard

_PREFERRED_PORT = 7342  # the same each time, so that a bookmark and a page that waits find it
HEAD_SECONDS = 15.0
"""In which a request's head must have arrived."""
_CONNECTIONS = 256


@dataclass(frozen=True)
class Place:
    """Where the page is served.

    Attributes:
        listening: a bound socket.
        token: what a client must show; None on loopback.
    """

    listening: socket.socket
    token: str | None = None

    @property
    def host(self) -> str:
        """The address, and the port behind a colon."""
        address, port = self.listening.getsockname()[:2]
        return f"{address}:{port}"

    @property
    def url(self) -> str:
        """What a browser opens."""
        return f"http://{self.host}/" + (f"?token={self.token}" if self.token else "")

    @property
    def hosts(self) -> frozenset[str]:
        """What the Host header of a request may say."""
        port = self.listening.getsockname()[1]
        names = {"localhost", "127.0.0.1"}
        if self.token is not None:
            name = socket.gethostname().lower()
            names = {self.host.rpartition(":")[0], name, f"{name}.local"}
        return frozenset(f"{name}:{port}" for name in names)


def find_place(port: int | None, lan: bool) -> Place:
    """Bind a socket: on loopback, or on the machine's address in its network.

    Args:
        port: None takes the usual one if it is free, else any.

    Raises:
        UsageError: the port is taken or out of range.
        SbirError: the machine is in no network.
    """
    address = _lan_address() if lan else "127.0.0.1"
    token = secrets.token_urlsafe(16) if lan else None
    if port is not None:
        return Place(_bind(address, port), token)
    try:
        return Place(_bind(address, _PREFERRED_PORT), token)
    except UsageError:
        return Place(_bind(address, 0), token)


def _lan_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # chooses a way out, sends nothing
            return str(probe.getsockname()[0])
        except OSError as error:
            raise SbirError(
                "this machine is in no network that a phone could reach it by",
                remedy="join one, or leave out --lan",
            ) from error


def _bind(address: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise UsageError(f"--port must be in 0..65535, not {port}")
    # asyncio turns off Nagle's waiting, 40 ms an answer, only where a socket names its protocol
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        reason = (error.strerror or "cannot be used").lower()
        raise UsageError(
            f"port {port} cannot be used ({reason}); choose another --port, or leave it out"
        ) from error
    return listening


def serve(app: ASGIApp, place: Place, ready: Callable[[], None]) -> None:
    """Serve until the process is told to end; `ready` is called once the page can be opened."""
    # uvicorn ends at a first signal and raises it again when it is done: ended is what it should be
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: None)
    try:
        make_server(app, place, ready).run(sockets=[place.listening])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def make_server(app: ASGIApp, place: Place, ready: Callable[[], None]) -> uvicorn.Server:
    """A server whose `run(sockets=[place.listening])` serves until its `should_exit` is set."""
    config = uvicorn.Config(
        Guard(app, place.hosts, place.token),
        http=_PatientProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nobody stands in between who could be believed
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=2,
    )
    return _Server(config, ready)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        await asyncio.get_running_loop().run_in_executor(None, self._ready)


class _PatientProtocol(H11Protocol):
    """HTTP/1.1 that hangs up on whoever does not finish a request's head."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        begun = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        if not begun:
            self._stop()
        elif self._timer is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
