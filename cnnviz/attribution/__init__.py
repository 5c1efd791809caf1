"""Where a network looked: attribution maps by Captum. Importing this package imports nothing else.

A map gives each pixel of one picture a signed number: how much it spoke for a class, or, for the
difference of two classes, for the one rather than the other. `explain` makes every kind of map:

    request = request_for("integrated_gradients", Target(DOG, CAT), steps=50)
    explain(Subject(network, normalization, picture), request).map  # (H, W)

In reading order:

    parameters      what can be set of a method, with bounds and defaults
    cards           what a method's card says: what it is, its formula, its paper, its parameters
    gradient_cards, rule_cards, region_cards    the cards
    methods         the methods by name
    requests        Target and AttributionRequest: what is asked for, checked
    results         what comes back, as arrays
    network_input   a viewer's photograph to a picture of the network's size, step by step
    differences     the map of a difference of two classes from their two maps
    words           what maps and their checks say, in sentences
    turns           a few computations at a time, the others wait in line
    subject         a network, its normalization and a picture (imports torch, as all below)
    private_copy    a network of one's own that shares the weights
    support         which methods a network allows, and why not the others
    job             one computation: the number that is explained, how far it is
    baselines       what stands for "nothing there"
    gradients       Saliency, Input×Gradient, Integrated Gradients, SmoothGrad, GradientSHAP
    rules           DeepLift, Guided Backprop, LRP: other rules for going backwards
    regions         Grad-CAM, Guided Grad-CAM, Occlusion
    explain         explain: the one way in; the probabilities of all classes

Can a map be trusted?

    ranks           the rank correlation of two maps
    randomization   the same method on the same network without what it has learnt
    deletion        what is left of a class when the pixels of a map are removed
"""
