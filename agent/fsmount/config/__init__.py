"""From the bytes of a mounts.yaml to a Config, or to every finding about it. Parse, do not validate: after this there
are only typed, frozen values."""
