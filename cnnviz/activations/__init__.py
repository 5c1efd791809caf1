"""What a trained network makes of a picture, layer by layer; in reading order:

    fields            which part of the picture a unit sees
    passage           a picture on its way through a network: every layer's maps, and the scores
    scales            one signed scale for a layer or for all of it; which channels are strongest
    kernels           the filters of a convolution
    walk              how one number of a map came about, product by product
    patches           the pictures, and the places in them, that a channel answers to most
    exchanged_pooling the same maps pooled by average and by maximum
    shifts            how far each layer's maps move when the picture is moved a little
    receptive         what moves a unit, measured by gradients against its field in theory;
                      receptive_settings and receptive_words are those of its own view
    inside_settings   what "Look inside" shows, and its URL; inside_words are its sentences and
                      the PyTorch program that computes it again

No network is touched: every computation runs a copy of its layers that shares the weights.
"""
