"""`python -m export.detector --out FOLDER`: build the shipped face detector."""

import argparse
import sys
from pathlib import Path

from export.detector import BuildError, build


def main() -> int:
    """Parse, build, print one line a file."""
    parser = argparse.ArgumentParser(prog="python -m export.detector", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder, as edge/models/face/mtcnn")
    out: Path = parser.parse_args().out
    try:
        digests = build(out)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 2
    for name, digest in digests.items():
        print(f"{digest}  {out / name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
