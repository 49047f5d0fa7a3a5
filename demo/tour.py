"""`make demo`: a notebook instance from on-create to stop and start, explained as it goes. Ends by itself."""

from __future__ import annotations

import re
import sys
import time

from tests.vm.notebook import NotebookInstance
from tests.vm.product import BUCKET, SAGEMAKER, mount_of, status

from .stage import CONFIG, a_notebook, run, say, show, taking


def wait_for(notebook: NotebookInstance, name: str, word: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while mount_of(notebook, name)["word"] != word and time.monotonic() < deadline:
        time.sleep(0.5)


def first_start(notebook: NotebookInstance) -> None:
    say("An administrator has put fsmount's bundle and this configuration into S3:")
    show(CONFIG)
    say(
        "A notebook instance is created with fsmount's lifecycle configuration. On-create keeps the bundle on the "
        "volume; on-start, which runs at every start, brings the agent up and waits for the mounts."
    )
    with taking("CreateNotebookInstance: on-create, on-start"):
        notebook.start()
    for stream in ("LifecycleConfigOnCreate", "LifecycleConfigOnStart"):
        say(f"The log stream demo/{stream}:")
        show(notebook.log(stream))
    say("This is what a data scientist sees, without sudo:")
    run(notebook, "fsmount status")
    run(notebook, "df -h ~/SageMaker/{datasets,scratch,team}")


def a_server_dies(notebook: NotebookInstance) -> None:
    say(
        "Now the file server fs2.test vanishes from the network, as if a security group had been closed. Nothing "
        "refuses; packets simply go nowhere. The other two mounts must not notice, and nothing may hang."
    )
    notebook.servers[1].black_hole()
    with taking("until the status says so (a look at each mount every 30 s at most)"):
        wait_for(notebook, "scratch", "failed", 60)
    run(notebook, 'fsmount status || echo "exit status $?"')
    run(notebook, "cat ~/SageMaker/datasets/hello ~/SageMaker/team/hello")
    say("`fsmount doctor` walks the chain from the name to a file, and says which link is broken:")
    run(notebook, 'fsmount doctor scratch || echo "exit status $?"')
    say(
        "The server comes back. A hard NFS mount loses nothing: whoever waited for it goes on. The agent has been trying the "
        "server's port each second, and destroys the dead connection, so that nobody waits for the kernel's own timers."
    )
    notebook.servers[1].restore()
    with taking("until it answers again"):
        wait_for(notebook, "scratch", "ok", 240)
    run(notebook, "fsmount status")


def somebody_unmounts(notebook: NotebookInstance) -> None:
    say("Somebody unmounts a file system by hand. The agent sees it in the kernel's mount table at once, and mounts it again.")
    run(notebook, f"umount {SAGEMAKER}/team; sleep 1; findmnt -no SOURCE {SAGEMAKER}/team", user="root")
    seen = notebook.machine.execute("journalctl -u fsmount --no-pager -o short-precise | grep 'team:' | tail -n 2")[1]
    say("The journal says when:")
    # Less the date, the host and the program: 80 columns are enough for the rest.
    show("\n".join(re.sub(r"^\S+ \d+ (\S+) \S+ \S+ ", r"\1 ", line) for line in seen.splitlines()))


def a_push(notebook: NotebookInstance) -> None:
    say(
        "The administrator pushes another configuration to S3, for the whole fleet. Each notebook asks there once a minute; "
        "this one breaks `team`, whose directory it misspells, so the notebook returns to the one before by itself."
    )
    notebook.aws.put_object(BUCKET, "mounts.yaml", CONFIG.replace("/d2", "/d2-misspelt").encode())
    with taking("until it is fetched, tried and taken back (a minute, and 20 s to be sure)"):
        deadline = time.monotonic() + 150
        while time.monotonic() < deadline and "config-returned" not in str(status(notebook)["problem"]):
            time.sleep(0.5)
    run(notebook, 'fsmount status || echo "exit status $?"')
    say("The instance's own tags say so, too, for who looks at the fleet from outside:")
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and "config-returned" not in str(notebook.aws.tags(notebook.arn)):
        time.sleep(0.5)
    show("\n".join(f"{key} = {value}" for key, value in notebook.aws.tags(notebook.arn).items()))
    notebook.aws.put_object(BUCKET, "mounts.yaml", CONFIG.encode())


def stop_and_start(notebook: NotebookInstance) -> None:
    say(
        "The instance is stopped. Only its volume outlives that: the agent, its unit and every mount point outside are gone. "
        "At the next start, on-start brings all of it back."
    )
    with taking("StopNotebookInstance"):
        notebook.stop()
    with taking("StartNotebookInstance: on-start"):
        notebook.start()
    run(notebook, "fsmount status")
    say("What happened, also before the stop, is remembered on the volume:")
    run(notebook, "fsmount history")


def main() -> int:
    began = time.monotonic()
    say(
        "fsmount: file systems on SageMaker notebook instances that stay mounted. You will see a simulated instance: "
        "a virtual machine with a real kernel, real systemd, three real NFS servers, and a stand-in for AWS."
    )
    with a_notebook() as notebook:
        first_start(notebook)
        a_server_dies(notebook)
        somebody_unmounts(notebook)
        a_push(notebook)
        stop_and_start(notebook)
    say(
        f"That was all, in {(time.monotonic() - began) / 60:.0f} minutes. `make shell` gives you a terminal in such a notebook; "
        "README.md says how to install fsmount on a real one."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
