"""What becomes of mounts that stand."""

from .entry import Entry

PROBLEMS: dict[str, Entry] = {
    "busy": Entry(
        "the mount is in use and cannot be unmounted yet",
        "It left the configuration, or its settings changed; the programs named still use it. It is kept until they end.",
        "Leave its directories (`cd`), close its files and stop the kernels that use it. The agent tries again.",
    ),
    "unmount-failed": Entry(
        "unmounting failed",
        "The mount could not be taken away; the error is shown as observed.",
        "The agent keeps trying.",
    ),
    "not-answering": Entry(
        "the file system hangs",
        "It is mounted, but a look at its root directory got no answer. Programs that touch it hang until the server is back.",
        "Check the server and the way to it (security group, TCP 2049). Nothing is lost: programs go on when it answers.",
    ),
    "address-changed": Entry(
        "the file server has another address now",
        "Its name stands for another address than the one that the mount speaks to, and nothing answers there.",
        "It is mounted anew as soon as nobody uses it: leave its directories, close its files, end the programs that hang in it.",
    ),
    "slow": Entry(
        "the file system answers slowly",
        "Two looks in a row took more than a second each, where milliseconds are usual.",
        "Look at the file system's load (for EFS: throughput and burst credits in CloudWatch) and at what this notebook does.",
    ),
    "nfs-silent": Entry(
        "the port is open, but the NFS service is silent",
        "A TCP connection came about, but the simplest call of NFS got no answer: the service is stuck, or something in "
        "between accepts connections in its place.",
        "The server may be overloaded or restarting. Check its state; the agent keeps trying.",
    ),
    "not-nfs": Entry(
        "what listens on the port does not speak NFS",
        "Something accepts connections on the port, but its answer to the simplest call of NFS is none.",
        "Check the source's address and the option `port=`: this is probably not the file server.",
    ),
    "not-readable": Entry(
        "the user may not read the mounted directory",
        "The file system answers, but the rights of its root directory, or of one on the way, keep the user out.",
        "Have whoever owns the file system give the notebook's user (uid 1000) rights, or mount a directory that is the user's.",
    ),
    "not-writable": Entry(
        "the user cannot write to the mounted directory",
        "The file system answers, but making a file failed: missing rights, a read-only export or a full file system.",
        "A fresh EFS belongs to root: make a directory on it that uid 1000, the notebook's user, may write to.",
    ),
    "stale": Entry(
        "the file handle is stale (ESTALE)",
        "The server no longer knows the directory that is mounted: it was removed, or the export was replaced.",
        "Nothing, if the directory is still there: fsmount mounts it anew at once, and detaches the old mount if it is in use. "
        "Programs that had files open in it must open them again.",
    ),
    "disconnected": Entry(
        "the connection to the file system is gone",
        "The mount is there, but what served it has ended.",
        "Nothing: fsmount mounts it anew at once.",
    ),
    "access-withdrawn": Entry(
        "the server no longer lets this notebook in",
        "It is mounted, but the server now denies access to its root directory.",
        "Check the file system's policy or the export's list of clients. The agent looks again every 30 s.",
    ),
    "write-refused": Entry(
        "the file system is read-only",
        "It is to be written to, but the mount or the server behind it takes no writes.",
        "Check whether the export or the file system was made read-only, or set `access: ro`.",
    ),
    "write-denied": Entry(
        "neither root nor the directory's owner may write",
        "The trial write (`probe: write`) was refused for lack of permission.",
        "Check the directory's owner and mode on the server, or leave out `probe: write`.",
    ),
    "write-failed": Entry(
        "a trial write gave an error",
        "The trial write (`probe: write`) failed; the error is shown as observed.",
        "Read the observed error; it is tried again with the next look.",
    ),
    "full": Entry(
        "the file system is full, or its quota is used up",
        "A trial write failed for lack of space.",
        "Make room, or enlarge the file system or the quota.",
    ),
    "nearly-full": Entry(
        "the file system is nearly full",
        "More of its space or of its inodes is used than `warn_at:` allows (95 %).",
        "Make room, or enlarge the file system. `warn_at:` in mounts.yaml sets the limit.",
    ),
    "detached": Entry(
        "it was detached because its server was dead",
        "The directory is free again; programs that were stuck in it stay so until the server is back. Nothing new is lost.",
        "Nothing needs to be done: it is mounted again when the server answers.",
    ),
    "detachable": Entry(
        "a dead mount freezes the directory that holds it",
        "Jupyter's file browser, for one, hangs when it lists that directory. fsmount waits, since the server may return.",
        "Wait for the server. Or detach it, after which the directory can be listed: programs stuck in it stay stuck until the "
        "server is back, and what they had not written yet is lost if they are ended before.",
    ),
    "detaching": Entry(
        "a dead mount is about to be taken away",
        "The configuration (`on_hang:`, or `access: ro`) says that it is detached, or unmounted by force, when it has hung for "
        "long enough.",
        "Nothing needs to be done: its directory can be listed then, and the mount returns with its server.",
    ),
    "not-hung": Entry(
        "the mount does not hang",
        "Only a mount whose server does not answer is detached on demand.",
        "Use `sudo umount PATH` for any other; fsmount mounts it again.",
    ),
    "lustre-target-down": Entry(
        "a part of the Lustre file system does not answer",
        "The client has no connection to one of its servers (an OST, or an MDT). Files that lie there hang whoever touches "
        "them; all others work, and df goes on succeeding.",
        "Check the file system's state in the FSx console. It is used again by itself when the server is back.",
    ),
    "probe-failed": Entry(
        "a look at the file system gave an error",
        "Reading the root directory failed; the error is shown as observed.",
        "Read the observed error; it is tried again every 30 s.",
    ),
}
