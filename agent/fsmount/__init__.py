"""fsmount keeps the network file systems of a YAML file mounted, and never hangs on one that died."""

__version__ = "0.1.0"
