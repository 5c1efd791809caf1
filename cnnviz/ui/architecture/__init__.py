"""The views of the page on architectures. One file each, with what it alone draws beside it:

    table_view      every layer of a network with its arithmetic; table_drawing draws its tensors,
                    table_parts the table and one layer
    flatten_view    where 16·5·5 comes from
    paste_view      a text of one's own: its layers, and the first that does not fit; paste_listing
                    draws them
    field_view      receptive fields, in theory and measured; field_figures draws them
    inside_view     a picture in a trained network; inside_picture brings the picture,
                    inside_features shows maps, inside_walk writes one number out, inside_filters
                    has filters and patches, inside_moves pooling and shifts
    digit_view      a digit that is drawn, and what the networks take it for
    step_view       one step of learning, with all its numbers; step_board draws them

`cnnviz.ui.architecture_views` puts them in the order of the lesson.
"""
