"""The agent itself, its helpers and its commands."""

from .entry import Entry

PROBLEMS: dict[str, Entry] = {
    "job-failed": Entry(
        "a helper process ended without an answer",
        "It crashed or was killed, by the out-of-memory killer for example.",
        "Look into the journal (`sudo journalctl -u fsmount`). The agent keeps trying.",
    ),
    "no-process": Entry(
        "no new process could be started",
        "The system has no room for another process or its memory.",
        "Look for a limit on processes or memory. The agent keeps trying.",
    ),
    "too-many-stuck": Entry(
        "too many helper processes are stuck",
        "The kernel does not let go of helpers that hang on dead file systems; no more are started until some end.",
        "Bring the dead servers back, or restart the notebook instance.",
    ),
    "status-not-written": Entry(
        "the status file cannot be written",
        "/run is full or read-only. Mounts are kept all the same, but `fsmount status` shows old news.",
        "Make room in /run.",
    ),
    "ledger-not-written": Entry(
        "the ledger cannot be written",
        "/run is full or read-only. Mounts are kept, but after a restart the agent may not know which ones are its own.",
        "Make room in /run.",
    ),
    "history-not-written": Entry(
        "the history cannot be written",
        "The notebook's volume is full, read-only or slow. Mounts are kept all the same; the latest changes wait in memory.",
        "Make room on the volume (`df -h ~/SageMaker`); what waits is then written by itself.",
    ),
    "history-off": Entry(
        "no history is kept",
        "The directory .fsmount on the notebook's volume, in which it is kept, is not there or not root's alone.",
        "The lifecycle script makes it at each start; on other machines, make it as root.",
    ),
    "second-agent": Entry(
        "another agent is running",
        "Only one agent may mount; the second one ends at once and changes nothing.",
        "`systemctl status fsmount` shows the one that runs.",
    ),
    "not-allowed": Entry(
        "only root may ask the agent for this",
        "Reload and retry make root mount things, so they are root's to ask for.",
        "Use sudo, or ask an administrator of the notebook.",
    ),
    "unknown-mount": Entry(
        "there is no mount of that name",
        "The configuration that is in force names no such mount.",
        "`fsmount status` lists the names.",
    ),
    "bad-request": Entry(
        "the agent did not understand the request",
        "Command and agent are of different versions, or something else wrote to the socket.",
        "Restart the agent: `sudo systemctl restart fsmount` (no mount is touched).",
    ),
    "no-agent": Entry(
        "no agent is running",
        "There is no status file, or the process that wrote it is gone, or its news is older than 90 s.",
        "`sudo systemctl restart fsmount` starts it (no mount is touched); `sudo journalctl -u fsmount` says why it ended.",
    ),
    "internal-error": Entry(
        "an error of fsmount itself",
        "Something happened that the program was not made for. The other mounts are not touched by it.",
        "Please report it with what `sudo journalctl -u fsmount` shows.",
    ),
}
