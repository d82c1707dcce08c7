"""Age at the till without identity."""

import os

# Builds of ONNX Runtime from 1.29 on tell their maker about every session, by the network, unless this is set before
# they are loaded. A box in a shop tells nobody anything that its owner did not configure.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
