"""A network that somebody typed: read, and never executed. Importing this imports nothing.

What stands in the text is looked up in lists of what is allowed; nothing in it is ever handed to
`eval`, `exec` or `compile`, and no attribute is fetched by a name that it gives. In reading order:

    bounds        how long, deep and large a text and its network may be
    places        where something stands in the text; the refusal that names it
    tokens        the text word by word: what can do harm or cannot be meant is refused here
    imports       the names under which it knows PyTorch
    syntax        its statements, each of a kind that is known
    expressions   values: numbers, arithmetic, names
    arguments     what each argument of a layer or a function may be
    catalogue     the layers, functions and methods of tensors that are known
    calls         what a call hands over
    blueprint     the layers that the text makes, in the order in which it makes them
    operations    the same names as PyTorch's own functions (imports torch, as the next two)
    network       the blueprint built; `forward` followed line by line
    trace         on the device "meta": what each layer puts out, and the first that does not fit
    steps         what a trace finds
    mends         a change of the text that makes a layer fit
    misfits       why it does not fit, in a sentence, and what would
    pasted        a network that can be trained, for the registry of networks (imports torch)
    link          a text in an address
    settings      what the page shows
    examples      texts to begin with
"""
