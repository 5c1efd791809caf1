"""The page on confusions: what networks get wrong, and the pictures behind every number.

In reading order:

    library           networks, their predictions and pictures: read once for all sessions
    kept              the page's settings in the session, and what changes them
    networks          which network is shown, and which it is compared with

    matrix_view       the view "Matrix"
    comparison_view   the view "Two networks": the matrix of differences, McNemar's test in words
    matrix_panel      a matrix with its controls; what is clicked is selected
    filters           the selection by select boxes: classes, filter, order
    gallery           the selected pictures
    chosen_picture    one of them: large, with the probabilities of all classes

    classes_view      the view "Class by class": scores with intervals beside the lesson's own
    calibration_view  the view "Calibration": does a network know how sure it may be?

Where it looked, below the chosen picture or a viewer's own:

    attribution_view         all of it, for the chosen picture
    attribution_own_picture  the view "Your own picture": file, camera or starter picture
    attribution_controls     which classes, which methods, how the maps are drawn
    attribution_maps         the maps, a row for each method
    attribution_methods      each method's card and its parameters
    attribution_trust        two checks of a map
    attribution_asked        what is asked about a picture, and under which key
    attribution_pending      what takes long: shown when it is done, with progress and a Stop
    attribution_work         one computation for all who ask the same
    attribution_networks     the networks, read once, and what the threads do with them
"""
