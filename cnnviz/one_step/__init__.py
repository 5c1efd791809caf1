"""One step of learning on a network so small that every number can be written down.

In reading order:

    settings    picture, class, learning rate, how many steps are done; the URL that says so
    network     forward, backward and update, in numpy
    words       numbers and sums as they are written
    stage       one stage of the telling; forward_stages and backward_stages make them
    stages      the step told in stages: what each one computes, with its numbers
    snippet     the PyTorch program that does the same

Importing this imports nothing else.
"""
