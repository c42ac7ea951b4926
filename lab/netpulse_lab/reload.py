"""The questions before a reload. Whoever types RETURN at the last of them takes the device down."""

from __future__ import annotations

from .interpreter import Interpreter
from .outcome import Ask, Outcome, Pause, Say


def reload_dialogue(shell: Interpreter, *, save_question: str, saved: str) -> Outcome:
    """Ask whether to save, if there is something to save, and whether to go on; then go down.

    Args:
        shell: whose session it is.
        save_question: asked when the running configuration was changed after it was saved.
        saved: printed after a yes to it.
    """
    device = shell.device

    def proceed(text: str = "") -> Ask:
        return Ask(text=text, question="Proceed with reload? [confirm]", then=confirmed, single_key=True)

    def confirmed(answer: str) -> Outcome:
        if answer.lower() not in ("", "y"):
            device.journal.event("reload declined", session=shell.session, answer=answer)
            return Say()
        # In a step of its own, so that the session sees its line break before the device goes down.
        return Pause(seconds=0.0, then=go_down)

    def go_down() -> Outcome:
        device.reload(session=shell.session)
        return Say()

    def answered(answer: str) -> Outcome:
        match answer.strip().lower():
            case "yes" | "y":
                device.save(session=shell.session)
                return proceed(saved)
            case "no" | "n":
                return proceed()
            case "cancel" if "cancel" in save_question:
                return Say()
            case _:
                return Ask(text="% Please answer 'yes' or 'no'.\n", question=save_question, then=answered)

    return Ask(question=save_question, then=answered) if device.unsaved else proceed()
