"""Trained networks as files that hold numbers and text only. Importing this imports nothing else.

A checkpoint is three files of one name in one folder:

    NAME.safetensors    the weights
    NAME.json           the card: what it is, how it was made, how well it does
    NAME.npz            its logits on the test pictures, of each as it is and mirrored; float16

The accuracies in the card are computed from the stored logits, and these from the stored weights,
so that each can be checked against the next. Nothing that can execute is ever loaded.

In reading order:

    folders               which checkpoints there are, and where
    card                  CheckpointCard, to JSON and back
    logits                the stored logits
    evaluation_pictures   the pictures that they are of, if they are on this machine
    weights               the stored weights, and the network that they fit (imports torch)
    store                 save_checkpoint, load_checkpoint (imports torch)
    verify                whether a checkpoint holds what its card says (imports torch)
    archive               a checkpoint as one zip file
    accuracy_text         accuracies as text
    command               `python -m cnnviz checkpoints`
    evaluate_command      `python -m cnnviz evaluate`
"""
