"""Training, from a configuration to records. Importing this package imports nothing else.

In reading order:

    config         TrainingConfig: everything that a run depends on
    recipes        the configurations that the shipped networks were trained with
    schedule       the learning rate at each step
    records        what a training tells while it goes on
    pictures       images on the device: normalized, flipped, shifted, without a loop over images
    device         which device; how fast it is in which precision
    precision      which precision is taken: measured once, then kept
    optimizer      the optimizer and the averaging of weights
    summaries      batch-norm statistics, weights and activations in a few numbers
    small_maps     a quicker gradient for convolutions over small maps
    seeds          random numbers that depend on the seed and the step alone
    learner        the network: its first weights, one step, what it says of pictures
    loop           train: the iterator of records
    state          all that is needed to go on, and snapshots, as files that hold numbers only
    run_folder     one training on disk
    memory         memory that a process keeps between steps
    compare        in which settings several trainings differ, in words
    export         records as tables
    tensorboard    records as TensorBoard's event files, written without it
    script         a run as one PyTorch program without cnnviz, from `script_template.txt`
    script_network a network as the lines that build it
    command        `python -m cnnviz train`
"""
