"""Networks by name. Importing this package imports nothing else.

In reading order:

    registry   the networks as cards: what each is, its paper, its options; build_model
    blocks     the few layers that PyTorch has no name for (imports torch, as all below)
    lenet      LeNet-5 as the lesson writes it, and ImprovedLeNet
    vgg        VGG-16, with batch normalization and without
    plain      a small plain network for the lesson on batch normalization
    fast       a network that learns CIFAR-10 to 94 % in minutes
"""
