"""A store followed by an outsider, who has no key and not its database (SPEC CT-4, CT-5).

Such a witness computes every map and view of the store again from what it serves to anybody, and keeps evidence of each
contradiction. What he has verified is an observation; two of one store are compared by whoever has both.
"""
