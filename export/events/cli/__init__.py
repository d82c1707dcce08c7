"""The commands of `export.events`, one file each."""
