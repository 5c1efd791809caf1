"""The views of the page on batch normalization. One file each, with what it alone draws beside it:

    by_hand_view    a small batch through the layer, step by step, its numbers in one's own hands
    network_view    a trained layer's channels before, after and behind ReLU; batch against running
    modes_view      one picture in train and eval among other neighbours; modes_costs has what the
                    mode costs over batch sizes and on the whole test split
    running_view    batches are fed one by one, and the running statistics follow
    buys_view       what recorded runs say with it and without; buys_experiments has the looks at
                    experiments, buys_parts what all looks share, buys_records reads the records
    inference_view  one filter takes over its normalization; inference_network folds the whole
                    network, compares its outputs and times it
    relatives_view  layer, instance and group normalization: which numbers share a mean
    quiz_view       questions

What several of them use: networks (the trained networks that have normalizations) and lab_state
(what a lab in the browser chose, and who set it last). `cnnviz.ui.batch_norm_views` puts the views
in the order of the lesson.
"""
