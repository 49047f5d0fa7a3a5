"""From the server's name to a mount that stands."""

from .entry import Entry

PROBLEMS: dict[str, Entry] = {
    "server-timeout": Entry(
        "the file server does not answer",
        "A TCP connection to the server's port got no answer at all. Packets are dropped on the way, or the server is down.",
        "Check that the security group of the file system lets in TCP 2049 (for Lustre 988 and 1018-1023) from this notebook's "
        "security group, that both are in the same VPC (or connected ones), and that the file system is available. The agent "
        "keeps trying.",
    ),
    "server-refused": Entry(
        "the server refuses connections on its port",
        "The host answered, but nothing listens on the port: the file service is down, or this is not the file server.",
        "Check the source's address, and that NFS (or Lustre) is served there. The agent keeps trying.",
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
    "file-system-gone": Entry(
        "AWS knows no such file system",
        "It was deleted, is being deleted or has failed for good; or it is in another region or account, or its id is misspelt.",
        "Check the id in `source:` in the console of the service, in this notebook's region; then `sudo fsmount retry NAME`. A "
        "file system in another account is not found by its id: write its address (`type: nfs`).",
    ),
    "file-system-not-ready": Entry(
        "the file system is not ready yet",
        "AWS says that it is being made, or that it serves nobody at the moment.",
        "Usually passes by itself: making one takes minutes, up to half an hour on ONTAP. The agent keeps trying.",
    ),
    "file-system-type": Entry(
        "the file system is of another type",
        "AWS knows the id, but as a file system of another type than `type:` says.",
        "Correct `type:` in mounts.yaml (lustre, openzfs or ontap), or the id.",
    ),
    "several-svms": Entry(
        "the file system has several storage virtual machines",
        "Each of them has an address and volumes of its own, and the id of the file system does not say which one is meant.",
        "Write the id of the one that is meant as `source:` (svm-...); the message lists them.",
    ),
    "no-mount-target": Entry(
        "the file system has no mount target that can be used",
        "Without a mount target an EFS file system has no address. One that is being made or deleted does not count.",
        "Make a mount target in this notebook's zone (EFS console: Network). It takes about 90 s; the agent keeps trying.",
    ),
    "address-kept": Entry(
        "the server's address is the last good one",
        "Neither the name servers nor AWS could be asked when it was mounted, so the address is one that this notebook's volume "
        "keeps. It is followed when the name says otherwise.",
        "Nothing, while the mount is well. Else see why DNS and AWS cannot be reached: `sudo fsmount doctor NAME`.",
    ),
    "mount-target-far": Entry(
        "the file system has no mount target in this notebook's zone",
        "It is mounted from another zone: that works, but costs transfer between zones and takes longer.",
        "Make a mount target in this notebook's zone (EFS console: Network); its DNS name works here then, too.",
    ),
    "notebook-outside-vpc": Entry(
        "this notebook is in no VPC",
        "File systems are reached through the subnet of a VPC, and AWS names none for this notebook instance.",
        "A subnet cannot be added to a notebook instance: make a new one in a subnet of the file system's VPC.",
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
    "mountpoint-unreachable": Entry(
        "the way to the mount point leads elsewhere",
        "The file system is mounted, but a directory above its mount point was renamed, replaced or covered by another mount.",
        "Find out who does that, and put the directories back; the mount itself is untouched and is looked at again.",
    ),
    "mountpoint-taken": Entry(
        "something else is mounted on the mount point",
        "A file system that fsmount did not mount stands at the mount point. It is never covered nor unmounted.",
        "Unmount it (`sudo umount PATH`), and fsmount mounts the right one at once; or choose another `mountpoint:`.",
    ),
    "mountpoint-unsafe": Entry(
        "a helper may not mount on this mount point",
        "EFS with TLS and S3 Files are mounted by a program that follows the path by its name. Whoever can rename a directory "
        "on the way, and has no root access, could lead root's mount elsewhere.",
        "Use a mount point below a directory of root's, such as /mnt/fsmount/NAME, or give the notebook root access. Then "
        "`sudo fsmount retry NAME`.",
    ),
    "efs-utils-missing": Entry(
        "amazon-efs-utils is not installed",
        "EFS with `tls:` and S3 Files are mounted by its helpers (mount.efs; mount.s3files from version 3 on).",
        "`sudo dnf install -y amazon-efs-utils`, at each start (in the lifecycle script, say): a notebook's packages do not "
        "outlive a stop. The agent keeps trying.",
    ),
    "tunnel-failed": Entry(
        "the helper's TLS proxy did not come up",
        "mount.efs or mount.s3files could not start its proxy (efs-proxy or stunnel), or that ended during the mount.",
        "Look into /var/log/amazon/efs/mount.log. The agent keeps trying.",
    ),
    "lustre-missing": Entry(
        "the Lustre client is not installed",
        "There is no mount.lustre, or the kernel has no Lustre modules. A notebook's packages do not outlive a stop.",
        "`sudo dnf install -y lustre-client`, or `install_client: true` in mounts.yaml, by which the agent installs it in the "
        "background at each start. The agent keeps trying.",
    ),
    "client-not-installed": Entry(
        "the Lustre client could not be installed",
        "`dnf install -y lustre-client` failed; the last that it said is shown as observed. Without internet, dnf needs an S3 "
        "gateway endpoint that lets this notebook read Amazon Linux's repositories.",
        "Read the observed error; `sudo journalctl -u fsmount-install-lustre-client` has the rest. The agent keeps trying.",
    ),
    "lustre-version": Entry(
        "this Lustre client does not fit the file system's version",
        "The client of Amazon Linux 2023 mounts file systems of versions 2.12 and 2.15, but none of 2.10; older clients mount "
        "older file systems only.",
        "Upgrade the file system's Lustre version (FSx console, Update), or use a notebook with a client that fits; then "
        "`sudo fsmount retry NAME`.",
    ),
    "attempt-not-over": Entry(
        "an earlier attempt at this source is not over",
        "A Lustre mount of a server that does not answer goes on for minutes, and no signal ends it. A second one beside it "
        "would only make that longer.",
        "Nothing: it is tried again when the first one has ended; if that succeeds late, its mount is used.",
    ),
    "port-taken": Entry(
        "Lustre's port is taken",
        "Something on this notebook uses TCP port 988, which Lustre needs: an NFS mount without `noresvport`, most likely.",
        "`sudo ss -tnp sport = 988` shows it. Unmount that NFS mount, and mount it with `noresvport` (fsmount always does).",
    ),
    "path-not-made": Entry(
        "the directory could not be made on the server",
        "`create_path:` asks for it, but root of this notebook may not make it or give it away there: root squash, an export "
        "that is read-only, a full disk, or a link on the way, which is not followed.",
        "Let the notebook's root write there (EFS: `elasticfilesystem:ClientRootAccess`; elsewhere `no_root_squash`), or make "
        "the directory by hand. Then `sudo fsmount retry NAME`.",
    ),
    "mountpoint-not-empty": Entry(
        "files are hidden below the mount point",
        "The directory was not empty when it was mounted over: what was in it cannot be seen while the mount is there.",
        "To get at them: `mkdir /tmp/below && sudo mount --bind PARENT /tmp/below`, and look there.",
    ),
}
