"""The training page: choose, watch, compare, go back in time.

In reading order:

    service             the store and the queue of this server, opened once
    viewer              who is looking, and whether it is the operator
    run_choice          the run that a view is about
    refusals            sentences of what was refused, kept until the page is drawn

    setup_view          the view "New training": presets, and what was changed of one
    setup_form          the fields of a training that is being prepared
    start_bar           the button that starts it, and what there is to know before
    schedule_line       its learning rate as a line
    network_table       its network, layer by layer

    watch_view          the view "Watch": a training while it goes on, and how it ended
    controls            play, pause, step, stop, resume, other rates; for those who may
    curve_choice        how a viewer wants the curves
    live_records        what runs tell, read once for all who watch
    live_curves         the numbers and curves of the live board
    learned             the classes, pictures and filters of the learned board
    packing             text and numbers as the bytes that a component takes
    words               durations, shares and states as they are said

    compare_view        the view "Compare": curves over each other, and in what runs differ
    run_table           the table of all runs, in which several are ticked
    manage_runs         a run's name and note, and its end

    time_machine_view   the view "Time machine": the network as it was after each epoch
    past_runs           the runs that it goes back in, those that ship included
    keep_run            a checkpoint of an epoch, the records and the program to take away
    saving              work that goes on when its page is left, one piece at a time
"""
