"""One call of `search` or `resume`: what it is made of, with what it starts, whose code it may load, and driving it."""
