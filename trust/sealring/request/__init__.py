"""The request: a file that travels from holder to holder until enough of them have signed.

Pure: bytes in, typed objects and rows of plain words out. Read in the order form, standing, needs, judge, effects,
warnings, merge, amend.
"""
