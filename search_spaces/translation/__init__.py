"""The faces that a space shows to other libraries, imported only where one is used."""
