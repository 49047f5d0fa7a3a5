"""One chain of time limits, each shorter than what waits for it. All in seconds.

reachable (3) < probe (5) < mount (20) < probe interval (30) < watchdog (60, in the unit file)

A mount Job first tries the server's port, so its limit holds both: 3 + what the kernel may take. The daemon beats the
watchdog from its loop, which never blocks, so the watchdog only fires when the loop itself is stopped.
"""

REACHABLE_S = 3.0
PROBE_S = 5.0
RESOLVE_S = 10.0
FETCH_S = 10.0
UNMOUNT_S = 10.0
RECORD_S = 10.0
MOUNT_S = 20.0
PROBE_INTERVAL_S = 30.0
FIRST_PROBE_PATIENCE_S = 3.0  # so long the first one waits for neighbours that are being mounted
HEARTBEAT_S = 30.0  # the status file is written at least this often: older news means a dead agent
OLD_NEWS_S = 90.0
BACKOFF_FIRST_S = 2.0
BACKOFF_MOST_S = 300.0
RESOLVED_FRESH_S = 30.0  # an address this young is not asked for again
LAST_WORDS_S = 0.5  # how long an agent that ends waits for its last events to be on the disk
CLIENT_S = 5.0  # how long a client of the control socket may take to say its line
