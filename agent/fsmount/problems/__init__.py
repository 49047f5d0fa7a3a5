"""The catalogue of problems: for each code what it means and what to do. `fsmount explain` prints it.

A code is stable: scripts and tags hold on to it. A test sees to it that every code used in the program stands here.
"""

from . import agent, aws, configuration, mounted, mounting
from .entry import Entry

CATALOGUE: dict[str, Entry] = {
    **mounting.PROBLEMS,
    **mounted.PROBLEMS,
    **agent.PROBLEMS,
    **aws.PROBLEMS,
    **configuration.PROBLEMS,
}
