"""One chain of time limits, each shorter than what waits for it. All in seconds.

reachable (3) < probe (5) < mount (20) < probe interval (30) < watchdog (60, in the unit file)

A mount Job first tries the server's port, so its limit holds both: 3 + what the kernel may take. The daemon beats the
watchdog from its loop, which never blocks, so the watchdog only fires when the loop itself is stopped.
"""

REACHABLE_S = 3.0
PROBE_S = 5.0
RESOLVE_S = 10.0
FETCH_S = 30.0  # boto3 alone takes seconds to import on a busy notebook; its own limits are in aws/session.py
RECALL_S = 10.0
KEEP_S = 10.0
LOCATE_S = 30.0  # a name lookup that may go on to ask AWS
LOCATING_S = 26.0  # its own limit for all of it, so that it ends with a reason, or a kept address, and is not killed
LOOK_UP_KEPT_S = 3.0  # so long name servers are waited for where an address is kept
AWS_KEPT_S = 3.0  # and so long AWS is, where the kept address answers
NEAREST_S = 3.0  # so long, at most, it is asked which of several addresses is the nearest
PUBLISH_S = 30.0
INSTALL_S = 900.0
HELPER_S = 60.0  # an attempt through a mount helper, Lustre's included
UNMOUNT_S = 10.0
LUSTRE_UNMOUNT_S = 45.0  # by force it takes up to 16 s when the server is gone, and is tried twice
RECORD_S = 10.0
MOUNT_S = 20.0
EXAMINE_S = 5.0  # one step of the doctor's; its connections have REACHABLE_S
EXAMINATION_S = 24.0  # all chains of the doctor's, however many mounts are dead: with the step before, less than 30
PROBE_INTERVAL_S = 30.0
ON_HANG_AFTER_S = 120.0
KNOCK_S = 60.0
MOVE_S = 20.0
LOOK_UP_AGAIN_S = 5.0  # where it seems to be elsewhere: only the second answer that says so is believed
MOVED_REST_S = 120.0  # so long the kernel may take until what was led elsewhere goes on
LOOK_UP_S = 30.0  # between two looks at where the server of a mount that hangs is now
KNOCKING_S = 50.0  # so long a Job knocks before it gives up and another one goes on
KNOCK_EVERY_S = 1.0
TRAFFIC_S = 4.0  # between two looks at what the mounts send and receive
TRAFFIC_AGAIN_S = 2.0  # where the last look was suspicious
FIRST_PROBE_PATIENCE_S = 3.0  # so long the first one waits for neighbours that are being mounted
HEARTBEAT_S = 30.0  # the status file is written at least this often: older news means a dead agent
OLD_NEWS_S = 90.0
BACKOFF_FIRST_S = 2.0
BACKOFF_MOST_S = 300.0
TAGS_APART_S = 60.0  # between two writes of the tags, whatever happens; also the first pause after a failed one
TAGS_BACKOFF_MOST_S = 3600.0
TAGS_BEAT_S = 6 * 3600.0  # the tags are written at least this often: an older time in them means a dead agent
METRICS_EVERY_S = 60.0
RESOLVED_FRESH_S = 30.0  # an address this young is not asked for again
LAST_WORDS_S = 0.5  # how long an agent that ends waits for its last events to be on the disk
CLIENT_S = 5.0  # how long a client of the control socket may take to say its line
