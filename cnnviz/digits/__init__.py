"""A digit that a hand draws, and what the networks trained on MNIST take it for; in reading order:

    ink          strokes of a pen to 28x28 grey levels, as the makers of MNIST prepared theirs
    settings     what is drawn and how it is prepared; the URL that says so
    examples     digits that are already drawn
    browser_net  a network as a list of layers that a browser can run (imports torch)
    judge        the browser's picture and logits against cnnviz and PyTorch
    snippet      the PyTorch program that computes the logits again

Importing this imports nothing else.
"""
