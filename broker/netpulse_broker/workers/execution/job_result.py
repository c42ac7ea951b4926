"""How a job ended, in the shape in which it is stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic_core import to_json

from netpulse_broker.errors import WorkerLost
from netpulse_broker.queueing.jobs.commit_ledger import CommitRecord
from netpulse_broker.queueing.jobs.record import failure_result
from netpulse_broker.states import CommitStatus, JobStatus, Outcome, ResultType
from netpulse_broker.telemetry.redaction import Redactor
from netpulse_drivers import ChangeResult, NetPulseError, Output, OutputTooLarge

LARGEST_OUTPUT = 8 * 1024 * 1024
"""Bytes of all outputs of a job together, unless the settings say otherwise: they are kept in Redis, and each caller
gets them in one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnd:
    """The end of one execution.

    Attributes:
        status: a final one.
        result: the result object (docs/rest.md).
        error_code: plain code of the error, "" when there is none.
        duration: seconds of execution, login included.
        commits: changes with a timer of which something is known now; to be put on record with the result.
    """

    status: JobStatus
    outcome: Outcome
    result: dict[str, Any]
    error_code: str
    duration: float
    commits: tuple[CommitRecord, ...] = ()

    @classmethod
    def forgotten(cls) -> JobEnd:
        """The end of a job that was executed, but whose account is gone."""
        code = WorkerLost.code
        return cls(
            status=JobStatus.FAILED, outcome=Outcome.UNKNOWN, result=failure_result(code), error_code=code, duration=0.0
        )


@dataclass(slots=True, kw_only=True)
class Account:
    """What is gathered while a job runs; completed parts survive whatever happens to the rest.

    Attributes:
        outputs: completed steps, in order.
        limit: bytes that they may have together.
        size: bytes that they have.
        change: the account of a change, once it is complete.
        retval: set by operations whose retval is not made of the outputs.
        session_reused: the job ran on a session that was open before it.
        stages: seconds by stage (connect, execute, parse).
        commit: the change with a timer that this job has made, confirmed, taken back or asked for.
        detected: platform that the login found out.
    """

    outputs: list[Output] = field(default_factory=list)
    limit: int = LARGEST_OUTPUT
    size: int = 0
    change: ChangeResult | None = None
    retval: Any = None
    session_reused: bool = False
    stages: dict[str, float] = field(default_factory=dict)
    commit: CommitRecord | None = None
    detected: str = ""

    def completed(self, output: Output) -> None:
        """Take up a completed step.

        Raises:
            OutputTooLarge: it does not fit any more; of a text its beginning is kept.
        """
        whole = len(self.outputs)
        kept = self._fitting(output)
        if kept is output:
            self.outputs.append(output)
            return
        part = "nothing of it"
        if kept is not None:
            self.outputs.append(kept)
            part = f"its first {len(kept.output)} characters"
        raise OutputTooLarge(
            f"with {output.command!r} the job's outputs are larger than {self.limit} bytes (setting jobs.max_output): "
            f"{whole} before it are kept whole, and {part}; narrow the commands, or divide them among several jobs"
        )

    def failed_with(self, outputs: Iterable[Output]) -> None:
        """Take up what a failing step had; what does not fit is cut."""
        self.outputs += [kept for output in outputs if (kept := self._fitting(output)) is not None]

    def changed(self, change: ChangeResult) -> None:
        """Take up the account of a change: it was made, so that what does not fit is cut rather than an error."""
        steps = [kept for output in change.outputs if (kept := self._fitting(output)) is not None]
        self.change = replace(change, outputs=steps)
        if len(steps) < len(change.outputs) or any(not step.complete for step in steps):
            warning = f"the device's answers are larger than {self.limit} bytes (setting jobs.max_output) and were cut"
            self.change = replace(self.change, warnings=[*change.warnings, warning])

    def _fitting(self, output: Output) -> Output | None:
        """The output, the beginning of its text that still fits, or None; counted."""
        text = output.output
        room = self.limit - self.size
        encoded = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else to_json(text)
        if len(encoded) <= room:
            self.size += len(encoded)
            return output
        if not isinstance(text, str) or room <= 0:
            return None
        self.size = self.limit
        return replace(output, output=encoded[:room].decode("utf-8", "ignore"), failed=True, complete=False)

    def spent(self, stage: str, seconds: float) -> None:
        """Add to a stage."""
        self.stages[stage] = self.stages.get(stage, 0.0) + seconds

    def end(
        self, operation: str, *, status: JobStatus, error: NetPulseError | None, duration: float, redactor: Redactor
    ) -> JobEnd:
        """Close the account.

        What the device said, and what was typed, stands in it byte for byte. Secrets of the job are masked in messages
        and in what the error quotes.
        """
        steps = self.change.outputs if self.change is not None else self.outputs
        outputs = [step.to_dict() for step in steps]
        result: dict[str, Any] = {
            "type": ResultType.of(status),
            "retval": self._retval(operation, steps),
            "error": None if error is None else _masked(error, redactor, quoted=self.limit),
            "outputs": outputs,
            "duration": round(duration, 6),
            "session_reused": self.session_reused,
            "stages": {stage: round(seconds, 6) for stage, seconds in self.stages.items()},
        }
        if self.detected:
            result["device_type"] = self.detected
        if not all(step.complete for step in steps):
            result["complete"] = False
        if self.change is not None:
            result |= {
                "changed": self.change.changed,
                "diff": self.change.diff,
                "applied": list(self.change.applied),
                "saved": self.change.saved,
                "warnings": [redactor.text(warning) for warning in self.change.warnings],
                "left_out": list(self.change.left_out),
            }
            if self.change.backup is not None:
                result["backup"] = self.change.backup
        if self.commit is not None and self.commit.state != CommitStatus.NONE:
            result["commit"] = self.commit.shown()
        return JobEnd(
            status=status,
            outcome=Outcome.OK if status == JobStatus.FINISHED else Outcome.FAILED,
            result=result,
            error_code="" if error is None else error.code,
            duration=duration,
            commits=() if self.commit is None else (self.commit,),
        )

    def _retval(self, operation: str, steps: list[Output]) -> Any:
        if operation == "query":
            return {
                step.command: step.output if step.parsed is None else step.parsed for step in steps if not step.failed
            }
        if operation in ("change", "confirm", "rollback"):
            return [step.output for step in steps]
        return self.retval


def _masked(error: NetPulseError, redactor: Redactor, *, quoted: int) -> dict[str, Any]:
    shown = error.to_dict()
    shown["message"] = redactor.text(shown["message"])
    shown["device_output"] = redactor.device_text(shown["device_output"][:quoted])
    shown["details"] = redactor.device_data(shown["details"])
    return shown
