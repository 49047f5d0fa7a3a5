"""The exceptions of the program. Each carries a problem code that `fsmount explain` knows."""

from .model import Problem


class FsmountError(Exception):
    """The root of the tree: something failed for a reason that has a name."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.observed} [{problem.code}]")
        self.problem = problem


class Temporary(FsmountError):
    """Worth another try, later."""

    def __init__(self, code: str, observed: str) -> None:
        super().__init__(Problem(code, observed, temporary=True))


class Permanent(FsmountError):
    """Stays as it is until somebody changes something."""

    def __init__(self, code: str, observed: str) -> None:
        super().__init__(Problem(code, observed, temporary=False))
