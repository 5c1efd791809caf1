"""Convolutional networks made visible. Importing this package imports nothing else.

The modules, in reading order:

    errors               what can go wrong, as a tree
    settings             checks of single settings: whole numbers, pairs, how large is too large
    axis                 one axis of a sliding window: the arithmetic under everything else
    geometry             sizes without tensors: ConvSpec, PoolSpec, ..., and find_settings
    padding              cells around an image: zeros, reflect, replicate, circular
    convolution          the sliding window itself: window_at, cross_correlate, convolve, coverage
    windows              all windows at once, as convolution, pooling and transposed use them
    pooling              max and average pooling
    transposed           zeros between the cells, and the convolution that grows an image
    torch_reference      the same numbers by PyTorch (imports torch)
    filters              named image filters, from edge detection to sharpening

    query                settings from a URL: nonsense becomes the nearest valid value
    pictures             photographs: the one that comes with cnnviz, and a viewer's own
    convolution_lesson   what each view of the lesson opens with, its bounds, its URL
    convolution_judge    do browser, cnnviz and PyTorch agree on it?
    picture_settings     the lesson on a picture: settings
    picture_lesson       the lesson on a picture: feature map, and whether all agree
    backwards            the size formula asked backwards, as the page lists it
    exercises            questions for the viewer, made from a number, and their answers
    snippets             the PyTorch program that reproduces the screen

    machine              what this machine has: processor, memory, accelerator, versions
    atomic_files         files that are written as a whole or not at all
    data                 which data sets lie here
    models               networks by name (a package; its docstring is the map, as for those below)
    training             from a configuration to records
    runs                 trainings that run beside the server and wait in a queue
    evaluation           logits to numbers: accuracy, its interval, the confusion matrix
    confusion            what networks get wrong, class by class and picture by picture
    predictions          pictures to logits (imports torch)
    layers               a network traced layer by layer (imports torch)
    batchnorm            batch normalization in numpy: forwards, backwards, running statistics
    norms                batch normalization in real networks and recorded runs (a package)
    attribution          where a network looked: maps by Captum, and whether they can be trusted
    checkpoints          trained networks: which there are, their cards, saving, loading, verifying
    cli, progress_line   python -m cnnviz, and how its commands tell how far they are

    figures              numbers in, plotly figures out (the only part that imports plotly)
    ui                   the parts of pages (the only part that imports streamlit)
"""
