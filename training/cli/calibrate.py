"""`checkout-age calibrate BUNDLE --data DATA --out FILE`: a site's own margins and thresholds."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge.age import AgeBundle

HELP = "calibrate a bundle on faces of a site, or its tracks on clips with known truth"
EXIT_UNUSABLE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is calibrated, on what, and where the numbers go."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", type=Path, metavar="DATA", help="labelled photographs, or prepared crops")
    what.add_argument("--tracks", type=Path, metavar="CLIPS", help="folder of clips with *.truth.json")
    parser.add_argument("--split", default="val", help="value of the column split (default: val)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the site file (JSON)")
    parser.add_argument(
        "--into-bundle",
        action="store_true",
        help="with --tracks: write the track temperature into the bundle too",
    )
    parser.add_argument("--detector", choices=["auto", "yunet", "mtcnn"], default="auto")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder with YuNet's file")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), metavar="N")


def run(args: argparse.Namespace) -> int:
    """0 when written, 2 with a reason for a bundle or faces that cannot be used."""
    from edge.age import AgeBundle, AgeModelError
    from edge.face import CONTRACT, DetectorError
    from training.bundle import put_tracks
    from training.calibration import CalibrationError
    from training.labels import DataError
    from training.site import write_document

    try:
        bundle = AgeBundle.load(args.bundle, contract_digest=CONTRACT.digest)
        document = _tracks(args, bundle) if args.tracks else _faces(args, bundle)
        write_document(args.out, document)
        if args.into_bundle and args.tracks:
            bundle = put_tracks(args.bundle, document["tracks"])
    except (AgeModelError, CalibrationError, DataError, DetectorError, OSError) as error:
        print(f"checkout-age calibrate: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    print(f"{args.out}: bound to {bundle.name}")
    return 0


def _faces(args: argparse.Namespace, bundle: AgeBundle) -> dict[str, Any]:
    from edge.age import AgeReader
    from training.calibration import calibrate
    from training.evaluation.faces import load_faces
    from training.site import site_document

    faces = load_faces(args.data, args.split, detector=args.detector, models_folder=args.models)
    reader = AgeReader(bundle, provider="cpu", threads=args.threads)
    calibration = calibrate(reader.read(faces.crops), faces.ages, keep_temperature=bundle.temperature)
    print(
        f"{calibration.n} faces: the 90 % interval holds {calibration.covered:.1%}; temperature "
        f"{bundle.temperature} stays, these faces ask for {calibration.fitted_temperature}"
    )
    print(threshold_table(calibration.thresholds, bundle))
    warning = unusable_warning(calibration.thresholds)
    if warning is not None:
        print(f"checkout-age calibrate: {warning}", file=sys.stderr)
    return site_document(bundle, calibration, faces=f"{args.data.resolve().name}, split {args.split}")


def threshold_table(thresholds: Sequence[Mapping[str, Any]], bundle: AgeBundle) -> str:
    """Every τ with its interval, what it rests on and what it missed, beside the bundle's own."""
    ours = {(one.under_age, one.miss_rate): one for one in bundle.manifest.thresholds}
    lines = [
        "asked under  misses allowed  τ       95 % interval     n     missed (95 % interval)      bundle's τ (n)"
    ]
    for entry in thresholds:
        before = ours.get((entry["under_age"], entry["miss_rate"]))
        low, high = entry["interval"]
        least, most = entry["miss_ci95"]
        missed = f"{entry['misses']} ({least:.1%} to {most:.1%})" if entry["n"] else "not measured"
        own = f"{before.tau:.4f} ({before.n})" if before else "none"
        lines.append(
            f"{entry['under_age']:>11}  {entry['miss_rate']:>13.0%}  {entry['tau']:.4f}  {low:.4f} to {high:.4f}  "
            f"{entry['n']:<4}  {missed:<26}  {own}" + ("" if entry["usable"] else "  UNUSABLE")
        )
    return "\n".join(lines)


def unusable_warning(thresholds: Sequence[Mapping[str, Any]]) -> str | None:
    """What keeps a box from using these; None where nothing does."""
    from edge.age import FACES_MIN

    n = thresholds[0]["n"]
    if n < FACES_MIN:
        return (
            f"WARNING: {n} faces of 14 to 17 years are too few for a threshold: at least {FACES_MIN}. A box refuses "
            "these unless policy.accept_few_faces is set. Way out: label more faces of that age, or keep the bundle's τ"
        )
    nobody = [one for one in thresholds if not 0.0 < one["tau"] < 1.0]
    if nobody:
        pairs = ", ".join(f"{one['under_age']} at {one['miss_rate']:.0%}" for one in nobody)
        return f"WARNING: τ for {pairs} asks everybody or nobody; a box refuses these pairs"
    return None


def _tracks(args: argparse.Namespace, bundle: AgeBundle) -> dict[str, Any]:
    from dataclasses import asdict

    from edge.age import AgeReader
    from edge.face import choose_detector, open_detector
    from training.tracks import calibrate_tracks, clips_in, read_tracks

    clips = clips_in(args.tracks)
    choice = choose_detector(args.detector, models_folder=args.models)
    detector = open_detector(choice, input_size_px=(640, 384), intra_op_threads=args.threads)
    reader = AgeReader(bundle, provider="cpu", threads=args.threads)
    found = calibrate_tracks(read_tracks(clips, detector, reader), bundle)
    print(
        f"{found.tracks} people, {found.crops_mean:.1f} crops each: track temperature {found.temperature} "
        f"(one crop {bundle.temperature}); MAE {found.mae_single:.2f} with one crop, {found.mae:.2f} with all; "
        f"the interval holds {found.covered:.1%}"
    )
    rounded = {
        key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(found).items()
    }
    return {
        "format": 1,
        "bundle": bundle.digest,
        "model": bundle.name,
        "tracks": rounded | {"clips": len(clips), "detector": choice.name},
    }
