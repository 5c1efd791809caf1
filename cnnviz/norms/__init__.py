"""The lesson on batch normalization beyond the layer itself. Importing this imports nothing else.

The layer, in numpy, is `cnnviz.batchnorm`. In reading order:

    relatives               layer, instance and group normalization: which numbers share a mean
    relatives_lesson        the view of them: its tensor, settings and URL, and what is worth saying
    running                 how fast running statistics come near, and how fast they forget
    folding                 scale and shift folded into the convolution before
    layer_values            numbers around one normalization: histograms, channels, dead units
    channel_table           all channels of a layer, reduced to what is drawn
    channel_words           what they say, in sentences
    picture_batch           the pictures that a view looks at
    network_settings        views on real networks: settings and URLs; `network_snippets` programs
    batch_effects           the neighbours of a picture in its batch, and what they do to it
    modes_settings          train against eval: settings and URL; `modes_words` sentences, program
    running_settings        running statistics: the same; `running_words`
    comparison              two recorded runs, with and without: losses, drift, gradient norms
    by_hand                 the view by hand: a small batch, its settings and URL
    by_hand_presets         odd cases: one picture, one value, no spread, a large eps
    by_hand_judge           its numbers by cnnviz and PyTorch, compared with the browser's
    exercises               questions by number; `exercise_batches` draws their numbers
    snippets                PyTorch programs that reproduce the screen
    experiment_records      what the experiments tell, as a file
    bought                  what recorded runs and experiments say, in sentences from their numbers
    buys_settings           the view of them: its settings and URL; `buys_snippets` its programs
    forgotten_eval          what a forgotten `model.eval()` costs, as a file

    network_norms           which normalizations a network has (imports torch, as all below)
    capture                 the numbers around one of them, from pictures
    folded_network          a whole network folded, and the speed gained
    neighbours              one picture in many batches: train against eval
    batch_series            the statistics of batch after batch, to feed
    forgotten_eval_measure  measures what `forgotten_eval` holds
    experiments             learning rates, loss along the gradient, noise after normalization
    command                 `python -m cnnviz batch-norm`
"""
