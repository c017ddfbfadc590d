"""A space in the terms of other libraries, each of which is imported when it is used."""
