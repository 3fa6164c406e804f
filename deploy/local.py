"""The whole platform on one machine: the servers, then the services, each a process of its own.

Used alike by the demo, ``make up``, the tests and the benchmarks::

    with Stack(services=SERVICES) as stack:
        stack.url, stack.kafka.bootstrap, stack.postgres.admin_dsn, stack.s3.endpoint, stack.smtp.url
        stack.kill("ocr"); stack.start("ocr")

All methods block (call them through ``asyncio.to_thread`` from async code) and all waits are bounded.
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from deploy import buckets, database, topics
from deploy.servers.base import Unit, wait_until
from deploy.servers.caddy import Caddy
from deploy.servers.errors import StackError
from deploy.servers.service import BUCKETS, ServiceProcess, environment
from deploy.servers.sources import Servers, choose
from deploy.servers.workspace import Workspace

DATABASE = "chorale"
T = TypeVar("T")


class Stack:
    """``services`` may name instances (``status#2``). ``folder`` None: temporary data, removed at the end.

    ``settings`` are environment variables added for every service. ``supervise``: a service that dies without being
    stopped is started again. ``synced`` False: the database waits for no disk, as most tests want. ``gateway``: Caddy
    in front, at ``url``. ``say`` is told in one line what happens.
    """

    def __init__(
        self,
        services: Iterable[str] = (),
        *,
        folder: Path | None = None,
        gateway: bool = False,
        port: int | None = None,
        supervise: bool = False,
        synced: bool = True,
        settings: Mapping[str, str] | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.workspace = Workspace(folder, synced=synced)
        self._say = say
        self._settings = dict(settings or {})
        self._locks: dict[str, threading.RLock] = {}
        self._supervisor = threading.Thread(target=self._watch, name="supervisor", daemon=True) if supervise else None
        self._ended = threading.Event()
        try:
            self.servers: Servers = choose(self.workspace, say)
        except StackError:
            self.workspace.close()
            raise
        self.kafka, self.postgres = self.servers.kafka, self.servers.postgres
        self.s3, self.smtp = self.servers.s3, self.servers.smtp
        self.dsns: Mapping[str, database.ServiceDsns] = {}
        self.units: dict[str, Unit] = {unit.name: unit for unit in self.servers.all()}
        self.services: dict[str, ServiceProcess] = {}
        for name in services:
            self._add(name)
        self.gateway = Caddy(self.workspace, self.upstreams, port) if gateway else None
        if self.gateway:
            self.units["caddy"] = self.gateway

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def up(self) -> None:
        """Start everything. Raises StackError (one sentence, last log lines) and leaves nothing running then."""
        try:
            self._all_at_once(
                [
                    partial(self._open, self.kafka, self._make_topics),
                    partial(self._open, self.postgres, self._make_database),
                    partial(self._open, self.s3, self._make_buckets),
                    partial(self._open, self.smtp),
                ]
            )
            self._all_at_once([partial(self._open, unit) for unit in self._in_front()])
            if self._supervisor:
                self._supervisor.start()
        except BaseException as error:
            if isinstance(error, StackError):
                error.add_note(f"All logs of this attempt: {self.workspace.save_logs()}")
            self.down()
            raise

    def down(self) -> None:
        """Stop everything, services first; nothing of the stack runs on return, whatever happened before."""
        self._ended.set()
        if self._supervisor and self._supervisor.is_alive():
            self._supervisor.join(30)
        try:
            self._all_at_once([partial(self.stop, unit.name) for unit in self._in_front()])
            self._all_at_once([partial(self._close, unit) for unit in self.servers.all()])
        finally:
            self.workspace.close()

    def _open(self, unit: Unit, then: Callable[[], None] | None = None) -> None:
        began = time.monotonic()
        self.start(unit.name)
        if then:
            then()
        self._say(f"{unit.name}: prêt ({time.monotonic() - began:.1f} s)")

    def _close(self, unit: Unit) -> None:
        with self._lock(unit.name):
            unit.remove()

    def _in_front(self) -> list[Unit]:
        return [*([self.gateway] if self.gateway else []), *self.services.values()]

    def _make_topics(self) -> None:
        _run(topics.create(self.kafka.bootstrap, topics.plan()))

    def _make_database(self) -> None:
        self.dsns = _run(database.bootstrap(self.postgres.admin_dsn, DATABASE))

    def _make_buckets(self) -> None:
        buckets.create(self.s3.endpoint, self.s3.access_key, self.s3.secret_key, tuple(BUCKETS.values()))

    def _all_at_once(self, actions: list[Callable[[], None]]) -> None:
        with ThreadPoolExecutor(max_workers=max(1, len(actions))) as pool:
            futures = [pool.submit(action) for action in actions]
        errors = [error for future in futures if (error := future.exception()) is not None]
        if errors:
            raise errors[0]

    def unit(self, name: str) -> Unit:
        """The server or service of that name. Raises StackError when there is none."""
        try:
            return self.units[name]
        except KeyError:
            raise StackError(f"No {name} in this stack; there are: {', '.join(self.units)}.") from None

    def start(self, name: str) -> None:
        """Start it, on the ports and data it had, and wait until it answers."""
        unit = self.unit(name)
        with self._lock(name):
            if isinstance(unit, ServiceProcess):
                unit.wanted = True
            unit.start()

    def stop(self, name: str) -> None:
        """Stop it in an orderly way; the supervisor leaves it stopped."""
        unit = self.unit(name)
        with self._lock(name):
            if isinstance(unit, ServiceProcess):
                unit.wanted = False
            unit.stop()

    def kill(self, name: str) -> None:
        """``kill -9``. A supervised service comes back by itself, a server with :meth:`start`."""
        with self._lock(name):
            self.unit(name).kill()

    def restart(self, name: str) -> None:
        """Stop and start."""
        self.stop(name)
        self.start(name)

    def pause(self, name: str) -> None:
        """Freeze it with its descendants (SIGSTOP)."""
        self.unit(name).pause()

    def resume(self, name: str) -> None:
        """Let it run on (SIGCONT)."""
        self.unit(name).resume()

    def add(self, name: str) -> None:
        """Start one more instance of a service, ``status#2``, on a port of its own."""
        self._add(name)
        self.start(name)

    def wait_ready(self, name: str, limit: float = 60.0) -> None:
        """Wait until a service that the supervisor brought back answers. Raises StackError."""
        unit = self.services[name]
        wait_until(name, lambda: unit.alive and unit.ready(), lambda: unit.wanted, limit, unit.last_lines)

    def log(self, name: str) -> Path:
        """The log file of a server or service."""
        return self.workspace.log(name)

    def pids(self) -> list[int]:
        """Every living process of the stack, descendants included."""
        return [pid for unit in self.units.values() for pid in unit.pids()]

    def cpu_seconds(self, name: str) -> float:
        """CPU time of one server or service since its last start."""
        return self.unit(name).cpu_seconds()

    def rss(self, name: str) -> int:
        """Resident bytes of one server or service."""
        return self.unit(name).rss()

    @property
    def url(self) -> str:
        """The one address in front (Caddy). Raises StackError in a stack without a gateway."""
        if self.gateway is None:
            raise StackError("This stack has no gateway: make it with gateway=True.")
        return self.gateway.url

    def base_url(self, name: str) -> str:
        """A service's own address, past the gateway."""
        return self.services[name].url

    def upstreams(self) -> dict[str, list[str]]:
        """``host:port`` of every instance by service."""
        found: dict[str, list[str]] = {}
        for unit in self.services.values():
            found.setdefault(unit.service, []).append(unit.url.removeprefix("http://"))
        return found

    @property
    def token_secret(self) -> str:
        """What this stack's services check tokens with."""
        return self.workspace.secrets["token"]

    def environment(self, service: str) -> dict[str, str]:
        """The environment of one service, without its port."""
        public_url = self.gateway.url if self.gateway else "http://127.0.0.1:8080"
        common = environment(service, self.servers, self.dsns[service], self.token_secret, public_url)
        urls = {name: unit.url for name, unit in self.services.items() if name == unit.service}
        neighbours = {"CHORALE_SERVICE_URLS": json.dumps(urls)} if service in ("portal", "supervision") else {}
        return {**common, **neighbours, **self._settings}

    def _add(self, name: str) -> None:
        unit = ServiceProcess(self.workspace, name, self.environment)
        self.services[name] = self.units[name] = unit

    def _lock(self, name: str) -> threading.RLock:
        return self._locks.setdefault(name, threading.RLock())

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            for name, unit in list(self.services.items()):
                if unit.wanted and not unit.alive:
                    self._bring_back(name, unit)

    def _bring_back(self, name: str, unit: ServiceProcess) -> None:
        with self._lock(name):
            if not unit.wanted or unit.alive or self._ended.is_set():
                return
            if not unit.may_restart():
                unit.wanted = False
                self._say(f"{name}: abandonné après trop de redémarrages ; son journal : {self.log(name)}")
                return
            self._say(f"{name}: redémarré")
            unit.launch()


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


if __name__ == "__main__":
    from deploy.up import main

    raise SystemExit(main())
