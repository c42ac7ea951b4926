"""The questions that a request has announced, and how often they have been answered in its job."""

from __future__ import annotations

from collections.abc import Sequence

from netpulse_drivers.base import QuestionAnswer
from netpulse_drivers.bounded_regex import BoundedRegex
from netpulse_drivers.terminal.reply import Question

MOST_PER_COMMAND = 50
"""Answers to one question while one command runs: a device that asks without end is not answered without end."""


class AnnouncedQuestions:
    """Those of one job.

    Args:
        answers: the request's, in order.
    """

    def __init__(self, answers: Sequence[QuestionAnswer]) -> None:
        self._answers = answers
        self._questions = [
            Question(BoundedRegex(one.question, name="answers.question"), one.answer.get_secret_value(), _most(one))
            for one in answers
        ]

    def are(self, answers: Sequence[QuestionAnswer]) -> bool:
        """Whether these are the questions of the same job."""
        return answers is self._answers or not (answers or self._answers)

    def of_command(self) -> list[Question]:
        """The questions for the next command: what was announced for each command may be answered again."""
        for one, question in zip(self._answers, self._questions, strict=True):
            if not one.once:
                question.answered = 0
        return self._questions


def _most(one: QuestionAnswer) -> int:
    once = one.secret if one.once is None else one.once
    return 1 if once else MOST_PER_COMMAND
