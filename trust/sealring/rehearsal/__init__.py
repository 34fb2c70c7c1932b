"""Ceremonies and losses played with throw-away keys: what is done, in what order, and how each step must end.

All of it is data: `plan` says who holds what, `steps` what a step is, `ceremony` which commands one is
made of, `first`, `below`, `brand_loss`, `role_loss`, `delegate_loss` and `root_loss` the situations, `thief` what the
thief does in them, `device` how a device judges it, `found` what came of it, and `runbook` the page that remains.
`shape` takes a plan from real authorities or a file. `sealring rehearse` runs `course`.
"""
