"""From switched on to ready: the page opens first, then models, kernels, the list; and what is shown without them."""
