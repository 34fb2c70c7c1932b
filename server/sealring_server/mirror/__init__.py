"""A mirror: another store's statements, entries and TUF files as they are, verified first, without a key (SPEC MI-1).

It follows the other store as a witness does (`audit`), keeps in a state of its own what was judged, and takes all of it
up in one transaction of an ordinary store's database, which the ordinary app then serves.
"""
