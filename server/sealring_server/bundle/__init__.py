"""One file for sticks and shelves: all that devices of some models need which hold nothing but their root (SPEC BN-6).

It is made from a store's folder or from its address by the same steps. Each of them is verified from the root as a
device would do it, so that what is wrong is found before somebody has carried it to a place without a network.
"""
