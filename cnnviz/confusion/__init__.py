"""What networks get wrong, class by class and picture by picture. Importing this imports nothing.

All but `source_network` needs no torch and runs no network: it follows from stored logits.

In reading order:

    judgements     what a network says of each picture: how sure, how close, how wrong
    matrix         the confusion matrix as counts or shares, the difference of two, top confusions
    order          classes in an order in which those that are confused are neighbours
    scores         accuracy, precision and F1 of each class, with intervals; the lesson's own table
    words          cells and confusions as sentences
    calibration    does a network know how sure it may be?
    mcnemar        McNemar's test, and the interval of a difference
    comparison     two networks on the same pictures, in numbers and in sentences
    predictions    logits, and which pictures of which split they are of
    held_out       which pictures a run held out, and its logits of them
    sources        all networks whose predictions stand ready
    pictures       the pictures themselves, as far as they are on this machine
    likeness       how alike two pictures are, by logits or by pixels
    selection      which pictures stand behind a part of the matrix, and in what order
    look           which attribution maps of the chosen picture are shown, and its URL
    settings       everything that the page shows, and its URL
    source_network the network behind a source, to be asked about more (imports torch)

The figures are `cnnviz.figures.reliability` and `class_scores`; `confusion` beside them has the
colours and numbers of the matrix's cells.
"""
