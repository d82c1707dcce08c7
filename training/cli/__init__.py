"""The commands of the training room, one file each: `eda`, `prepare`, `train`, `evaluate`, `calibrate`."""
