"""Training, from a configuration to records. Importing this package imports nothing else.

In reading order:

    config         TrainingConfig: everything that a run depends on
    recipes        the configurations that the shipped networks were trained with
    presets        trainings to begin a lesson with
    schedule       the learning rate at each step
    records        what a training tells while it goes on
    held_out       which images of a split are held out
    held_out_pictures  these images, found again, and the sixteen that are shown singly
    pictures       images on the device: normalized, flipped, shifted, without a loop over images
    device         which device; how fast it is in which precision
    precision      which precision is taken: measured once, then kept
    optimizer      the optimizer and the averaging of weights
    summaries      batch-norm statistics, weights and activations in a few numbers
    small_maps     a quicker gradient for convolutions over small maps
    seeds          random numbers that depend on the seed and the step alone
    learner        the network: its first weights, one step, what it says of pictures
    loop           train: the iterator of records
    snapshot       the network at the end of an epoch as a file, read without torch
    history        what a network was like after each epoch, from its snapshots
    state          all that is needed to go on, as a file that holds numbers only
    run_folder     the folder of one training, whether the shell or a worker trains
    memory         memory that a process keeps between steps
    compare        in which settings several trainings differ, in words
    export         records as tables
    tensorboard    records as TensorBoard's event files, written without it
    script         a run as one PyTorch program without cnnviz, from `script_template.txt`
    script_network a network as the lines that build it
    keep           a trained network as a checkpoint, for the command and for pages
    command        `python -m cnnviz train`
"""
