"""A network as a table, and where the numbers in it come from; in reading order:

networks        those that can be looked up: cnnviz's own, torchvision's by name
operation       what the arithmetic of a layer follows from
formulas        that arithmetic, with its numbers put in; pasted networks take it from here
calls           layers and functions of PyTorch as plain arguments (imports torch)
record          a picture's way through any network, by shapes alone (imports torch)
seen            receptive fields where branches meet
layer_table     all of it together, a row for each layer (imports torch)
table_settings  what the view shows, and its URL; table_words are its sentences and links
first_linear    where 16·5·5 comes from: a view of its own
"""
