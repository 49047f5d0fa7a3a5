"""The configuration and what the lifecycle script pins."""

from .entry import Entry

PROBLEMS: dict[str, Entry] = {
    "settings-invalid": Entry(
        "the settings that the lifecycle script wrote cannot be read",
        "/etc/fsmount/settings.json is damaged. What it pins (origin, signature, policy) is not guessed at.",
        "Stop and start the notebook: the lifecycle script writes the file anew.",
    ),
    "config-returned": Entry(
        "a new configuration broke mounts and was taken back",
        "Mounts that were well were not well any more two minutes after it was accepted, though their servers answer; so the "
        "last good generation came back by itself. The new one is not tried again.",
        "Correct the configuration at its origin. To try the same one again: `sudo fsmount reload`.",
    ),
    "origin-invalid": Entry(
        "that is not a place where a configuration can be",
        "An origin is file:/path, s3://bucket/key, ssm:///parameter or appconfig://application/environment/profile.",
        "Write it as file:/path, s3://bucket/key, ssm:///parameter or appconfig://application/environment/profile.",
    ),
    "file-not-written": Entry(
        "the file cannot be written",
        "`fsmount push` writes a file: origin as a whole, in a directory that is there.",
        "Make the directory, or choose another; on a notebook instance it takes `sudo`.",
    ),
    "config-unsigned": Entry(
        "the configuration bears no signature",
        "The lifecycle script pins a public key, so only what is signed with its private key is believed, wherever it comes "
        "from. The signature is the file's last line; nothing may follow it.",
        "Push it with `fsmount push FILE ORIGIN --sign KEYFILE`. What is mounted stays as it is.",
    ),
    "config-signature-wrong": Entry(
        "the configuration's signature is wrong",
        "The file was changed after it was signed, or it was signed with another key than the one that is pinned.",
        "Push it with `fsmount push FILE ORIGIN --sign KEYFILE`, with the key whose public half the lifecycle script pins. "
        "If nobody of yours changed it: find out who can write to the origin.",
    ),
    "key-invalid": Entry(
        "the key cannot be used",
        "Keys are Ed25519. Private: PEM in a file that only its owner can read. Public: PEM, or base64 of its 32 bytes.",
        "Make one with `openssl genpkey -algorithm ed25519 -out KEY`; `openssl pkey -in KEY -pubout` shows its public half.",
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
    "origin-missing": Entry(
        "the configuration is not there",
        "AWS answers, but has no object, parameter or profile of that name (yet, or any more). What is mounted stays as it is.",
        "Put it there (`fsmount push FILE ORIGIN`), or correct the origin in the lifecycle script. It is asked for again.",
    ),
    "origin-too-large": Entry(
        "the configuration is too large",
        "A configuration has 1 MiB at most. It was not read, and what is mounted stays as it is.",
        "Look at what lies at the origin: it is probably not a configuration.",
    ),
    "kept-nothing": Entry(
        "no last good configuration is kept",
        "The notebook's volume holds none: none has proved good yet, or the directory .fsmount was removed.",
        "Nothing needs to be done: it is kept as soon as a configuration has proved good.",
    ),
    "kept-untrusted": Entry(
        "what the volume keeps could have been written by anyone",
        "The directory .fsmount or the file in it is not plain and changeable by root alone, so root believes nothing in it.",
        "Find out who changed it. Remove it (`sudo rm -r DIRECTORY`) and stop and start the notebook: it is made anew.",
    ),
    "kept-unreadable": Entry(
        "the last good configuration on the volume cannot be read",
        "Reading it gave an error; the volume may be damaged.",
        "Read the observed error. Mounts come up as soon as the configuration's origin can be reached.",
    ),
    "kept-damaged": Entry(
        "the last good configuration on the volume is damaged",
        "The file is cut off, changed, or of another version of fsmount.",
        "Nothing needs to be done: it is written anew when a configuration from the origin has proved good.",
    ),
    "kept-foreign": Entry(
        "a volume from another instance",
        "The last good configuration on the volume was kept by another notebook instance, so it is not used here.",
        "Nothing needs to be done: it is replaced when a configuration from the origin has proved good.",
    ),
    "kept-other-origin": Entry(
        "the last good configuration came from elsewhere",
        "It was read from another origin than the one that the lifecycle script names now, so it is not used.",
        "Nothing needs to be done: it is replaced when a configuration from the new origin has proved good.",
    ),
    "generation-not-kept": Entry(
        "the last good configuration is not kept",
        "The directory .fsmount is missing or not root's alone, or writing failed. Mounts are not affected, but at the next "
        "start the origin must answer.",
        "Read the observed error: make room, or remove what stands in the directory's place and stop and start the notebook.",
    ),
}
