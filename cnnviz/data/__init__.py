"""Data sets, from wherever they lie to the same two arrays. Importing this package imports nothing.

In reading order:

    catalogue     the data sets: classes, sizes, the digests of their splits, terms
    canonical     one order and one digest for a split; Split, what everybody works with
    locations     where data sets lie on this machine, by the shape of the folders
    sources       one reader for each layout; nothing in a file is ever executed
    reading       one split out of one location, read anew and checked
    store         splits that were read once, as memory-mapped files
    datasets      load_split: all of the above
    by_digest     the very pictures that something was computed on, if they are here
    download      one file from the network, resumed and checked
    fetch         a whole data set from the network
    background    the same beside everything else: progress, cancelling, errors in words
    availability  what load_split would find, without reading it
    command       python -m cnnviz data
    progress      how long work tells how far it is
    sizes         sizes of files, for people
"""
