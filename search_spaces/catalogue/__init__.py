"""The spaces that come with the package, one file a family; ask for them by `search_spaces.get(name)`."""
