"""From a Keras model to a calibrated bundle, gates on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from tqdm import tqdm

from edge.age import GOLDEN_FILE as GOLDEN
from edge.age import MODEL_FILE, AgeBundle, halved, log_softmax, mean_years
from edge.face import CONTRACT, DetectorKind
from export.model.convert import finished, to_onnx, with_mirror
from export.model.data import ExportFaces
from export.model.errors import ExportError
from export.model.golden import golden_crops, golden_vectors
from export.model.infer import keras_logits, onnx_logits
from export.model.package import bundle_document, write_bundle
from export.model.parity import Parity, check_float, check_int8, check_size
from export.model.quantise import quantise
from export.model.source import Source
from training.calibration import Calibration, calibrate
from training.faces import FaceFinder
from training.model import DEVIATION_RGB, MEAN_RGB

__all__ = ["Passport", "export_bundle"]

FP32_FILE: Final = "model_fp32.onnx"
FP16_FILE: Final = "model_fp16.onnx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passport:
    """How the bundle is called and what it may be used for."""

    name: str
    version: str
    licence: str
    intended_use: str
    goals: tuple[Mapping[str, Any], ...] = ()


def export_bundle(
    source: Source,
    faces: ExportFaces,
    out: Path,
    *,
    passport: Passport,
    floats: bool = False,
    threads: int = 2,
    detector: DetectorKind = "auto",
    models_folder: Path | None = None,
) -> AgeBundle:
    """Convert, quantise, hold to the gates, calibrate on `val`, package; with `floats` fp32 and fp16 go along.

    Raises GateError where a gate fails (nothing is written), ExportError for anything else that cannot go on.
    """
    if source.contract_digest not in (None, CONTRACT.digest):
        raise ExportError(
            f"{source.weights}: trained on crops of contract {str(source.contract_digest)[:12]}…, this program cuts "
            f"by {CONTRACT.digest[:12]}…; train again, or export with the version it was trained with"
        )
    with tqdm(total=5, desc="export", disable=None) as bar:
        fp32 = to_onnx(source.model)
        if source.mirrored:
            fp32 = with_mirror(fp32)
        bar.update()
        int8 = quantise(fp32, faces.ranges)
        bar.update()
        parity = _gates(source, faces, fp32, int8, threads)
        bar.update()
        calibration = calibrate(
            onnx_logits(_bytes(int8), faces.val, threads=threads, label="val"), faces.val_ages
        )
        bar.update()
        properties = _properties(passport, calibration, parity, faces, source)
        model = _bytes(finished(int8, properties))
        check_size(model)
        finder = FaceFinder(detector, models_folder=models_folder, threads=threads)
        files = {MODEL_FILE: model, GOLDEN: golden_vectors(golden_crops(finder), model)}
        if floats:
            files[FP32_FILE] = _bytes(finished(fp32, properties))
            files[FP16_FILE] = halved(files[FP32_FILE])
        document = bundle_document(
            name=passport.name,
            version=passport.version,
            licence=passport.licence,
            intended_use=passport.intended_use,
            calibration=calibration,
            parity=parity,
            data=faces.described,
            recipe=source.recipe,
            git=source.git,
            goals=passport.goals,
        )
        bundle = write_bundle(out, document, files)
        bar.update()
    return bundle


def _gates(
    source: Source,
    faces: ExportFaces,
    fp32: onnx.ModelProto,
    int8: onnx.ModelProto,
    threads: int,
) -> Parity:
    size = check_size(_bytes(int8))
    by_keras = keras_logits(source.model, faces.gate, mirrored=source.mirrored)
    by_fp32 = onnx_logits(_bytes(fp32), faces.gate, threads=threads, label="fp32")
    worst = check_float(by_keras, by_fp32)
    by_int8 = onnx_logits(_bytes(int8), faces.gate, threads=threads, label="int8")
    mae_fp32, mae_int8 = check_int8(by_fp32, by_int8, faces.gate_ages)
    years = mean_years(np.exp(log_softmax(by_keras)))
    return Parity(
        n=len(faces.gate),
        keras_to_fp32_worst=worst,
        mae_keras=float(np.abs(years - faces.gate_ages).mean()),
        mae_fp32=mae_fp32,
        mae_int8=mae_int8,
        int8_bytes=size,
    )


def _properties(
    passport: Passport,
    calibration: Calibration,
    parity: Parity,
    faces: ExportFaces,
    source: Source,
) -> Mapping[str, str]:
    """Deployment facts in the ONNX file itself, keys after field.md section 5; all texts."""
    return {
        "input_size": "112x112",
        "color_order": "BGR",
        "mean": ",".join(str(value) for value in MEAN_RGB),
        "std": ",".join(str(value) for value in DEVIATION_RGB),
        "layout": "NHWC",
        "mirrored": "yes" if source.mirrored else "no",
        "crop_margin": f"crop contract {CONTRACT.version} {CONTRACT.digest}",
        "age_bins": "0..100",
        "temperature": str(calibration.temperature),
        "conformal_quantiles": str(_margins(calibration.intervals)),
        "train_data_sha256": str(faces.described["labels_sha256"]),
        "git_commit": source.git or "unknown",
        f"mae_{faces.gate_split}": f"{parity.mae_int8:.3f}",
        "license": passport.licence,
        "name": passport.name,
        "version": passport.version,
    }


def _margins(intervals: Mapping[str, Any]) -> str:
    return " ".join(f"{m['from']:g}-{m['to']:g}:{m['low']}/{m['high']}" for m in intervals["margins"])


def _bytes(model: onnx.ModelProto) -> bytes:
    return model.SerializeToString(deterministic=True)
