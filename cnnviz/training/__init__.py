"""Training, from a configuration to records. Importing this package imports nothing else.

In reading order:

    config         TrainingConfig: everything that a run depends on
    recipes        the configurations that the shipped networks were trained with
    schedule       the learning rate at each step
    records        what a training tells while it goes on
    pictures       images on the device: normalized, flipped, shifted, without a loop over images
    device         which device, which precision; measured, not assumed
    optimizer      the optimizer and the averaging of weights
    summaries      batch-norm statistics, weights and activations in a few numbers
    loop           train: the generator of records
    state          all that is needed to go on, and snapshots, as files that hold numbers only
"""
