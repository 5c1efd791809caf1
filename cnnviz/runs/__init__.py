"""Trainings that run beside the server, wait in a queue and outlive a closed tab.

Importing this package imports nothing else; no module in it imports torch before a worker
trains, or a pasted network is handed in.

In reading order:

    run            what is known of a run, and what it tells: plain dataclasses
    limits         what one viewer may ask for, from cnnviz.toml
    pasted         what a pasted network asks of the server
    permissions    who may stop whose run
    folders        where runs lie: the folder of all, and of each
    schema         the tables of the store
    rows           its rows as dataclasses
    connections    SQLite: short transactions, and its errors in our words
    reader         RunReader: what pages ask
    store          RunStore: what people and the queue change
    transactions   what several of its transactions have in common
    attempt        what the one process that trains a run writes
    processes      whether a process still lives, though its number may be used again
    executor       the seam between the queue and computers
    local          LocalExecutor: each run in a process of this machine
    lock           one process at a time
    schedule       starts runs in order, notices what became of those that ended
    queue          RunQueue: hand in, stop, resume, pause, change
    plan           a run that is being prepared: presets, changes, and its URL
    estimate       how long it will take, by those that ended here
    keep           an epoch of a run, kept as a checkpoint

    orders         what a worker is told: by signals, by its pipe, by commands in the store
    journal        a worker's second thread: writes in batches, asks for orders
    guided         a training that obeys between two steps, and keeps what it needs to go on
    worker         the process that trains
"""
