"""Where things are (one page of the man page). A directory for tests may stand in for /run/fsmount."""

CONFIG = "/home/ec2-user/SageMaker/.fsmount/mounts.yaml"
HISTORY = "/home/ec2-user/SageMaker/.fsmount/history"
KEPT = "/home/ec2-user/SageMaker/.fsmount/generation.json"
ADDRESSES = "/home/ec2-user/SageMaker/.fsmount/addresses.json"
RUN = "/run/fsmount"
SETTINGS = "/etc/fsmount/settings.json"
METADATA = "/opt/ml/metadata/resource-metadata.json"


def status_file(run: str = RUN) -> str:
    return f"{run}/status.json"


def samples_file(run: str = RUN) -> str:
    return f"{run}/samples.json"


def ledger_file(run: str = RUN) -> str:
    return f"{run}/ledger.json"


def handover_file(run: str = RUN) -> str:
    return f"{run}/history.json"


def control_socket(run: str = RUN) -> str:
    return f"{run}/control.sock"


def lock_file(run: str = RUN) -> str:
    return f"{run}/agent.lock"


def stage(run: str = RUN) -> str:
    """Where the mount(8) way mounts before anyone sees it; only root can reach it."""
    return f"{run}/stage"


def generations(run: str = RUN) -> str:
    """Where the bytes of accepted configurations lie, by digest, while this machine runs."""
    return f"{run}/generations"
