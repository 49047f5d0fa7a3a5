"""A question that cannot be interrupted (the C library's name lookup, a service's client), asked in a thread, so that its
answer is waited for no longer than one likes.

Only in a Job's own process, which ends by os._exit or SIGKILL and so never waits for a thread that cannot end.
"""

import threading
from typing import Callable, Generic, Optional, TypeVar

from ..errors import FsmountError, Temporary

T = TypeVar("T")


class Question(Generic[T]):
    """Being asked from the moment it is made; where there is no thread to be had, it is asked there and then."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._value: Optional[T] = None
        # What is raised where the call ends with an error that has no name: the journal then has its traceback.
        self._error: Optional[FsmountError] = Temporary("internal-error", "a question ended without an answer")
        self._over = threading.Event()
        try:
            threading.Thread(target=self._ask, args=(call,), daemon=True).start()
        except RuntimeError:
            self._ask(call)

    def _ask(self, call: Callable[[], T]) -> None:
        try:
            self._value, self._error = call(), None
        except FsmountError as error:
            self._error = error
        finally:
            self._over.set()

    def answer(self, seconds: float) -> Optional[T]:
        """None where there is none in time. Raises what the call raised, if that is a FsmountError."""
        if not self._over.wait(max(0.0, seconds)):
            return None
        if self._error is not None:
            raise self._error
        return self._value
