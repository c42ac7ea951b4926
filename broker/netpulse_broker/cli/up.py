"""``netpulse up``: prepare the state directory, the secrets and the server, then supervise the roles."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

import structlog
from pydantic import SecretStr, ValidationError

from netpulse_broker.cli.errors import AddressInUse
from netpulse_broker.cli.process_signals import ProcessSignals
from netpulse_broker.cli.readiness import base_url, controller_is_ready, node_is_ready
from netpulse_broker.cli.role_process import Role, Surroundings, keep_log_small
from netpulse_broker.cli.supervisor import Supervisor
from netpulse_broker.embedded.errors import AlreadyRunning, StateDirectoryError
from netpulse_broker.embedded.paths import ServerPaths
from netpulse_broker.embedded.private_files import private_directory, read_or_create
from netpulse_broker.embedded.server import EmbeddedServer
from netpulse_broker.settings import ControllerSettings, SecuritySettings, Settings, SettingsError
from netpulse_broker.settings_source import API_KEY_VARIABLE, hand_over, secret_values
from netpulse_broker.telemetry.logging import configure_logging

log = structlog.get_logger(__name__)

URL_FILE = "url"
"""In the state directory while a supervisor is ready: the controller's URL."""

API_KEY_FILE = "api-key"
"""In the state directory: the API key that the first start made, mode 0600."""

LOCK_FILE = "supervisor.lock"
"""In the state directory: locked by the supervisor, with its process id."""

_READY_WITHIN = 60.0
# The controller ends its answers within 10 s.
_PORT_FREE_WITHIN = 15.0

RoleTable = Callable[[Settings], Sequence[Role]]


def default_roles(settings: Settings) -> Sequence[Role]:
    """The roles of ``netpulse up``, the controller first."""

    def command(name: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "netpulse_broker.cli", name)

    return (
        Role("controller", command("controller"), controller_is_ready(settings.controller)),
        Role("node", command("node"), node_is_ready(settings.redis, name=settings.node.name)),
        Role("fifo", command("fifo"), node_is_ready(settings.redis, name=settings.fifo.name)),
    )


def run_up(settings: Settings, *, verbose: bool = False, roles: RoleTable = default_roles) -> None:
    """Run everything until SIGINT or SIGTERM; prints one line on standard output when it is ready.

    Args:
        verbose: logs go to standard error instead of files in the state directory.

    Raises AlreadyRunning, StateDirectoryError, AddressInUse, SettingsError: nothing has been started. RoleFailed,
    EmbeddedServerError: everything that was started has been stopped.
    """
    os.umask(0o077)  # whatever this process and its children put into the state directory is for its owner
    private_directory(settings.state_dir)
    try:
        _run_in(settings, verbose=verbose, roles=roles)
    except OSError as error:  # a full disk, a read-only one, something else under the name of a file of ours
        raise StateDirectoryError(f"cannot work in the state directory {settings.state_dir}: {error}") from error


def _run_in(settings: Settings, *, verbose: bool, roles: RoleTable) -> None:
    with _only_supervisor(settings.state_dir), ProcessSignals() as signals, contextlib.ExitStack() as stack:
        settings = settings.model_copy(update={"controller": _with_free_port(settings, signals)})
        settings, key_place = _with_secrets(settings)
        log_directory = private_directory(ServerPaths(settings.state_dir).log_directory)
        _log_to(None if verbose else log_directory, settings)
        server = None
        if settings.redis.url is None:
            server = EmbeddedServer(settings.state_dir)
            stack.callback(_release, server)
            server.start()
            redis_settings = settings.redis.model_copy(update={"url": SecretStr(server.url)})
            settings = settings.model_copy(update={"redis": redis_settings})
        attached = server is not None and server.attached
        if attached:
            _tell_that_an_earlier_run_ends()
        handed_over = os.memfd_create("netpulse-settings", os.MFD_CLOEXEC)
        stack.callback(os.close, handed_over)
        os.write(handed_over, hand_over(settings).encode())
        supervisor = Supervisor(
            roles(settings),
            surroundings=Surroundings(
                settings=handed_over,
                lifeline=None if server is None else server.lifeline,
                log_directory=None if verbose else log_directory,
            ),
            server=server,
            grace=settings.shutdown_grace,
            on_ready=lambda: _tell_that_it_is_ready(settings, key_place),
            on_waiting=_tell_that_jobs_run,
            # A node of an earlier run keeps its name until its jobs have ended, which its grace limits.
            name_may_be_taken=attached,
            ready_within=_READY_WITHIN + (settings.shutdown_grace if attached else 0.0),
        )
        stack.callback((settings.state_dir / URL_FILE).unlink, missing_ok=True)
        supervisor.run(signals)


@contextlib.contextmanager
def _only_supervisor(state_dir: Path) -> Iterator[None]:
    """Hold the state directory's lock. Raises AlreadyRunning, naming the process that holds it."""
    path = state_dir / LOCK_FILE
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace") or "unknown"
            raise AlreadyRunning(
                f"another `netpulse up` (process {holder}) already serves the state directory {state_dir}; stop it, or "
                "choose another directory with --state-dir"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _with_free_port(settings: Settings, signals: ProcessSignals) -> ControllerSettings:
    """The controller's settings with a port that can be listened on.

    The controller of an earlier run that was killed gives the port back when it has answered its callers: while that
    run's server lives, the port gets some time.

    Raises AddressInUse.
    """
    controller = settings.controller
    deadline = time.monotonic() + _PORT_FREE_WITHIN
    while True:
        try:
            return controller.model_copy(update={"port": _free_port(controller)})
        except AddressInUse:
            an_earlier_run_ends = EmbeddedServer(settings.state_dir).runs() and time.monotonic() < deadline
            if not an_earlier_run_ends or signals.stop_requests:
                raise
        signals.wait(0.1)


def _free_port(controller: ControllerSettings) -> int:
    wanted = f"{controller.host} port {controller.port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            controller.host, controller.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except socket.gaierror as error:
        raise AddressInUse(f"cannot listen on {wanted}: {error.strerror}; choose an address with --host") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise AddressInUse(
                f"{wanted} is in use by another program; stop that one, or choose another port with --port"
            ) from error
        raise AddressInUse(
            f"cannot listen on {wanted}: {error.strerror}; choose others with --host and --port"
        ) from error


def _with_secrets(settings: Settings) -> tuple[Settings, str]:
    """The settings with API key and master key, and where the API key is to be found, in words.

    Keys that nobody has set are made on the first start and kept in the state directory. With a Redis of one's own
    only the API key is: machines that share a Redis need the same master key, so it cannot be made up here.
    """
    security = settings.security
    key_place = f"from {API_KEY_VARIABLE}" if API_KEY_VARIABLE in os.environ else "from the settings"
    update: dict[str, SecretStr] = {}
    if security.api_key is None:
        path = settings.state_dir / API_KEY_FILE
        update["api_key"] = _own_key(path, "api_key")
        key_place = f"in {path}"
    if security.master_key is None:
        if settings.redis.url is not None:
            settings.require_master_keys()
        update["master_key"] = _own_key(settings.state_dir / "master-key", "master_key")
    return settings.model_copy(update={"security": security.model_copy(update=update)}), key_place


def _own_key(path: Path, field: str) -> SecretStr:
    """The key kept in a file of the state directory. Raises SettingsError: somebody has made it unusable."""
    value = SecretStr(read_or_create(path, lambda: secrets.token_urlsafe(32)))
    try:
        SecuritySettings(**{field: value})
    except ValidationError as error:
        # No chaining: the validation error carries the key.
        problem = error.errors(include_input=False, include_url=False)[0]["msg"].removeprefix("Value error, ")
    else:
        return value
    raise SettingsError(f"{path} holds no usable key: {problem}; delete the file to have a new one made")


def _log_to(directory: Path | None, settings: Settings) -> None:
    known = list(secret_values(settings))
    if directory is None:
        configure_logging(settings.log, role="supervisor", secrets=known)
        return
    path = directory / "supervisor.log"
    keep_log_small(path)
    configure_logging(settings.log, role="supervisor", secrets=known, stream=path.open("a", encoding="utf-8"))


def _release(server: EmbeddedServer) -> None:
    if not server.release():
        # Workers of an earlier supervisor that was killed still have jobs to finish; they are not ours to end.
        log.warning("server_still_needed")


def _tell_that_it_is_ready(settings: Settings, key_place: str) -> None:
    url = base_url(settings.controller)
    (settings.state_dir / URL_FILE).write_text(url + "\n", encoding="ascii")
    # The one line that people and scripts wait for.
    _say(f"NetPulse is ready at {url} (API key {key_place})", sys.stdout)


def _tell_that_an_earlier_run_ends() -> None:
    _say("netpulse: an earlier run was killed and still finishes its jobs; going on beside it", sys.stderr)


def _tell_that_jobs_run(seconds: float) -> None:
    _say(
        f"netpulse: waiting up to {seconds:.0f} s for running jobs to end; press Ctrl-C again to end them now",
        sys.stderr,
    )


def _say(line: str, stream: TextIO) -> None:
    """For whoever listens. He may have left, a terminal that was closed or `| head -1`: that must not stop a stop."""
    try:
        print(line, file=stream, flush=True)
    except OSError:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())
