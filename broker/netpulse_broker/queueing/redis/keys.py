"""Names of the keys in Redis: ``np:`` are ours, all of them; of RQ 3.0's own (``rq:``) those that Python code uses."""

from __future__ import annotations

FIFO = "fifo"
"""The one FIFO queue."""

LANES = ("control", "interactive", "normal", "batch")
"""Lanes of a device's queue, most urgent first. ``control`` is for operators and served while paused."""

RQ_WORKERS = "rq:workers"
FORMAT = "np:format"
"""Version of all that stands under ``np:``; see ``connection.check_server``."""

NODES = "np:nodes"
JOBS = "np:jobs"
EXPIRY = "np:expiry"
UNPLACED = "np:unplaced"
SESSIONS = "np:sessions"
EVENTS = "np:events"
TOTALS = "np:totals"
PAUSED = "np:paused"
TEST_WRITE = "np:test-write"
SUSPENDED = "np:suspended"
"""Credentials that were refused -> up to when (ms) one of their suspensions lasts."""
COMMITS_DUE = "np:commits:due"
WEBHOOKS_DUE = "np:webhooks:due"
WEBHOOKS_DEAD = "np:webhooks:dead"


def lane(device: str, priority: str = "normal") -> str:
    """RQ queue name of one of a device's lanes; the normal lane bears the plain name.

    A device name never holds a slash, so no lane of one device is the queue of another.
    """
    return f"device:{device}" if priority == "normal" else f"device:{device}/{priority}"


def lanes(queue: str) -> list[str]:
    """Redis keys of a queue's lanes in the order in which they are served (``fifo`` has one)."""
    if queue == FIFO:
        return [rq_queue(FIFO)]
    return [rq_queue(lane(queue.removeprefix("device:"), priority)) for priority in LANES]


def rq_job(job_id: str) -> str:
    return f"rq:job:{job_id}"


def rq_results(job_id: str) -> str:
    return f"rq:results:{job_id}"


def rq_queue(name: str) -> str:
    return f"rq:queue:{name}"


def rq_worker(name: str) -> str:
    return f"rq:worker:{name}"


def claims(name: str) -> str:
    """Claim list of ``device:<device>`` or ``fifo:<worker>``."""
    return f"np:claims:{name}"


def wake(name: str) -> str:
    """Wake-up list of ``device:<device>`` or ``fifo``."""
    return f"np:wake:{name}"


def sequence(device: str) -> str:
    return f"np:seq:{device}"


def device(name: str) -> str:
    return f"np:device:{name}"


def device_memory(name: str) -> str:
    """What drivers keep about a device: hash, name to text."""
    return f"np:memory:{name}"


def generation(device_name: str) -> str:
    """How often what was read from a device has been outdated by a change: scripts compare it, and count it up."""
    return f"np:generation:{device_name}"


def device_jobs(name: str) -> str:
    return f"np:jobs:{name}"


def host_devices(host: str) -> str:
    """Names of the devices that requests have reached at a host, where that is not the device's own name."""
    return f"np:hosts:{host}"


def kept(mark: str) -> str:
    """Which job answers (or answered) a query that may share its answer."""
    return f"np:kept:{mark}"


def commits(device_name: str) -> str:
    """Hash of a device's changes with a timer; see ``queueing.jobs.commit_ledger``."""
    return f"np:commits:{device_name}"


def logins(device_name: str) -> str:
    """Up to when (ms) a device's allowance of logins is used."""
    return f"np:logins:{device_name}"


def credential(digest: str) -> list[str]:
    """What is known of a credential (a keyed digest): its state, tries under way, devices that have refused it since
    its last success (new ones; ones that took it before), devices that have taken it, devices where it is suspended."""
    name = f"np:credential:{digest}"
    return [name, *(f"{name}:{part}" for part in ("tries", "refused", "doubted", "accepted", "places"))]


def node(name: str) -> str:
    return f"np:node:{name}"


def node_devices(name: str) -> str:
    return f"np:node:{name}:devices"


def lease(node_name: str) -> str:
    return f"np:lease:{node_name}"


def epoch(node_name: str) -> str:
    return f"np:epoch:{node_name}"


def orders(node_name: str) -> str:
    return f"np:orders:{node_name}"


def orders_taken(node_name: str) -> str:
    return f"np:orders:{node_name}:taken"


def replies(controller: str) -> str:
    return f"np:replies:{controller}"


def executed(job_id: str) -> str:
    return f"np:executed:{job_id}"


def idempotency(owner: str, key: str) -> str:
    return f"np:idempotency:{owner}:{key}"


def session(session_id: str) -> str:
    """Hash of an interactive session; see ``queueing.interactive.channel`` for all keys of one."""
    return f"np:session:{session_id}"


def session_inbox(session_id: str) -> str:
    return f"np:session:{session_id}:in"


def session_requests(session_id: str) -> str:
    return f"np:session:{session_id}:requests"


def session_answers(session_id: str) -> str:
    return f"np:session:{session_id}:answers"


def session_file(session_id: str, part: str) -> str:
    return f"np:session:{session_id}:{part}"


def webhook(delivery: str) -> str:
    """Hash of an undelivered webhook."""
    return f"np:webhook:{delivery}"
