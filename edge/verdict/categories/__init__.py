"""Category systems as data, one file each."""
