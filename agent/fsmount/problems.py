"""The catalogue of problems: for each code what it means and what to do. `fsmount explain` prints it.

A code is stable: scripts and tags hold on to it. A test sees to it that every code used in the program stands here.
"""

from typing import NamedTuple


class Entry(NamedTuple):
    title: str
    meaning: str
    remedy: str


CATALOGUE: dict[str, Entry] = {
    "server-timeout": Entry(
        "the file server does not answer",
        "A TCP connection to the server's NFS port got no answer at all. Packets are dropped on the way, or the server is down.",
        "Check that the security group of the mount target lets in TCP 2049 from this notebook's security group, that both "
        "are in the same VPC (or connected ones), and that the file system is available. The agent keeps trying.",
    ),
    "server-refused": Entry(
        "the server refuses connections on its NFS port",
        "The host answered, but nothing listens on the port: the NFS service is down, or this is not the file server.",
        "Check the source's address, and that the NFS service runs there. The agent keeps trying.",
    ),
    "server-unreachable": Entry(
        "there is no way to the server's network",
        "The system has no route to the server's address, or a router said that it cannot be reached.",
        "Check that the notebook is in a VPC subnet from which the file system can be reached. The agent keeps trying.",
    ),
    "server-lost": Entry(
        "the server stopped answering during the mount",
        "The connection came about, but the server then closed it or gave an I/O error.",
        "Usually passes by itself (a server that restarts, another mount that was interrupted). The agent keeps trying.",
    ),
    "mount-timeout": Entry(
        "the mount did not finish in time",
        "The server's port answered, but the NFS service behind it did not complete the mount within the time limit.",
        "The server may be overloaded or restarting (a server gives no new locks for up to 90 s after it restarts). "
        "The agent keeps trying.",
    ),
    "name-not-resolved": Entry(
        "the server's name does not resolve to an address",
        "The name server says that the name does not exist, or has no address.",
        "Check the spelling. For EFS: the VPC needs DNS resolution and DNS host names switched on, the file system a mount "
        "target in this notebook's zone, and a new mount target needs 90 s. An IP address works as source, too.",
    ),
    "name-server-down": Entry(
        "no name server answers",
        "The server's name could not be looked up, because no name server answered in time.",
        "Check the VPC's DNS settings (AmazonProvidedDNS). The agent keeps trying.",
    ),
    "path-not-found": Entry(
        "the directory does not exist on the server",
        "The server answers, but has no such directory below its exported root.",
        "Correct `path:` in mounts.yaml, or make the directory on the file system; then `sudo fsmount retry NAME`.",
    ),
    "access-denied": Entry(
        "the server denies access",
        "The server answers, but does not let this notebook mount this directory.",
        "For EFS: a file system policy that asks for IAM or TLS denies plain NFS. Elsewhere: check the export's list of "
        "clients. Then `sudo fsmount retry NAME`.",
    ),
    "option-refused": Entry(
        "the kernel or the server refuses a mount option",
        "An option is unknown to this kernel, or does not go with the others or with what the server offers.",
        "Correct `options:` in mounts.yaml. The observed message names the option where the kernel says it.",
    ),
    "version-unsupported": Entry(
        "the server does not speak this NFS version",
        "The server answers, but not with NFS 4.1 (or the version that the options ask for).",
        "Use a server that offers NFS 4.1 or newer, or set `vers=` in `options:`; then `sudo fsmount retry NAME`.",
    ),
    "nfs-missing": Entry(
        "this system cannot mount NFS",
        "The kernel has no NFS client, or its module could not be loaded.",
        "Install the kernel's NFS modules (and nfs-utils where the kernel is older than 5.6), then `sudo fsmount retry NAME`.",
    ),
    "mount-failed": Entry(
        "the mount failed for a reason without a name",
        "The kernel or mount(8) gave an error that fsmount has no better word for; it is shown as observed.",
        "Read the observed error. The agent keeps trying.",
    ),
    "mountpoint-link": Entry(
        "a symbolic link stands on the way to the mount point",
        "fsmount follows no link where it mounts, since a link could lead the mount anywhere.",
        "Name the real directory in `mountpoint:`, or remove the link; then `sudo fsmount retry NAME`.",
    ),
    "mountpoint-not-a-directory": Entry(
        "a file stands where the mount point should be",
        "The mount point, or a part of the way to it, is a file.",
        "Move the file away, or choose another `mountpoint:`. Then `sudo fsmount retry NAME`.",
    ),
    "mountpoint-not-made": Entry(
        "the mount point could not be made",
        "Making the directory failed: the disk is full or read-only, or its owner may not write there.",
        "Make room, or make the directory by hand. The agent keeps trying.",
    ),
    "mountpoint-moved": Entry(
        "the mount point was moved while it was being mounted",
        "The directory was renamed or replaced between the check and the mount. The mount was taken back.",
        "Find out who renames directories there. The agent keeps trying.",
    ),
    "mountpoint-taken": Entry(
        "something else is mounted on the mount point",
        "A file system that fsmount did not mount stands at the mount point. It is never covered nor unmounted.",
        "Unmount it (`sudo umount PATH`), and fsmount mounts the right one at once; or choose another `mountpoint:`.",
    ),
    "mountpoint-not-empty": Entry(
        "files are hidden below the mount point",
        "The directory was not empty when it was mounted over: what was in it cannot be seen while the mount is there.",
        "To get at them: `mkdir /tmp/below && sudo mount --bind PARENT /tmp/below`, and look there.",
    ),
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
    "probe-failed": Entry(
        "a look at the file system gave an error",
        "Reading the root directory failed; the error is shown as observed.",
        "Read the observed error; it is tried again every 30 s.",
    ),
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
    "config-missing": Entry(
        "there is no configuration",
        "The configuration file does not exist.",
        "Write it (`man fsmount` has an example), check it with `fsmount check FILE`, then `sudo fsmount reload`.",
    ),
    "config-untrusted": Entry(
        "the file could have been written by anyone",
        "What root mounts must come from root, but the file or its directory is not plain and changeable by root alone.",
        "Look into the file; if it is right: `sudo chown root:root FILE && sudo chmod 644 FILE`, then `sudo fsmount reload`.",
    ),
    "config-unreadable": Entry(
        "the configuration file cannot be read",
        "Reading failed, or took too long.",
        "Read the observed error; then `sudo fsmount reload`.",
    ),
    "config-invalid": Entry(
        "the configuration has errors",
        "It was refused as a whole; what is mounted stays as it is.",
        "`fsmount check FILE` shows every error with its line. Correct them, then `sudo fsmount reload`.",
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
