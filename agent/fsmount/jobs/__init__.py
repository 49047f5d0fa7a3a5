"""Jobs: whatever may block, in a child with a deadline that answers with one JSON line.

orders.py    what each kind is told and what it answers
child.py     the child's life from fork to exit
abreast.py   several orders in one child
running.py   the Jobs in flight, seen from the daemon: answers, deadlines, the abandoned
and one module per kind: fetch, resolve, mount, unmount, probe, knock, move, record; and examine, the doctor's.
"""
