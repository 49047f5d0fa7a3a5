"""`fsmount doctor`: from the name to the file, step by step; which link of the chain is the first that is broken.

steps.py      the nouns: steps, what each needs, what came of it
types.py      what differs between the types of mounts
subjects.py   what is examined: from the agent's report, or from the configuration
chain.py      one mount's steps: which may begin, which are not tried, what an answer means
asking.py     the children that do what may hang, and their deadlines
rounds.py     all chains side by side, within one time limit
advice.py     usual causes and cures
document.py   for programs; page.py: for people
and what the children do: network.py (with rpc.py), client.py, directory.py.

The command's own process touches no managed path and speaks to no network.
"""
