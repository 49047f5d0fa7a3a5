"""The daemon: one thread around one poll.

agent.py     where observe, judge, plan, act and report meet
configuration.py  which configuration is in force, and who asked for it
agenda.py    which mount points to look at, and when
addresses.py where the servers are
errands.py   from actions to Jobs
start.py     the first act
loop.py      the poll: mountinfo, Jobs, signals, the control socket, timers
control.py   the control socket's side of `fsmount reload` and `fsmount retry`
publish.py   the Report, from entries to the status file
diary.py     the history: what changed, and when it is written
service.py   what systemd is told and where logs go
"""
