"""The history: every change of phase, health and generation, kept on the volume across stops.

event.py     what is remembered of one change
changes.py   from two snapshots of the agent's entries to what changed between them
lines.py     an event as a line that can be told from garbage
ring.py      two segments of 512 KiB on the volume; only ever called in a Job
handover.py  what one agent leaves in /run for the next of the same boot
"""
