"""Does this installation work on this machine? Packages, providers, detector, age model, and how fast they are."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from edge.age import AgeBundle, AgeReader, Provider
    from edge.face import Detector, DetectorKind

__all__ = ["RESEARCH", "Check", "SelfTest", "installed_runtimes", "is_research", "judge_runtimes", "selftest"]

RESEARCH = "research weights: train on your own licensed faces before use in a shop"
_RUNTIMES = ("onnxruntime", "onnxruntime-gpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at: `said` is a finding, or the reason why not and the way out."""

    name: str
    state: Literal["ok", "degraded", "failed"]
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """The outcome. `figures` holds what was found in plain values; what was not measured is None."""

    checks: tuple[Check, ...]
    figures: dict[str, Any]

    @property
    def ok(self) -> bool:
        """Whether nothing failed; running with less than hoped for is no failure."""
        return all(check.state != "failed" for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """`ok`, `reasons` of failures, `checks`, and the figures."""
        return {
            "ok": self.ok,
            "reasons": [check.said for check in self.checks if check.state == "failed"],
            "checks": [{"name": each.name, "state": each.state, "said": each.said} for each in self.checks],
            **self.figures,
        }


@dataclass(slots=True)
class _Findings:
    """What is collected on the way."""

    checks: list[Check] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def say(self, name: str, said: str, state: Literal["ok", "degraded", "failed"] = "ok") -> None:
        self.checks.append(Check(name=name, state=state, said=said))


def is_research(bundle: AgeBundle) -> bool:
    """Whether the bundle's own licence keeps its weights out of shops."""
    return "research" in bundle.licence.lower()


def installed_runtimes() -> tuple[str, ...]:
    """The distributions installed here that bring the module `onnxruntime`, with versions: `onnxruntime 1.31.1`."""
    found = []
    for name in _RUNTIMES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return tuple(found)


def judge_runtimes(installed: Sequence[str]) -> str | None:
    """Why these distributions cannot work, with the way out; None where exactly one is there."""
    if not installed:
        return "ONNX Runtime is not installed. Install one extra: pip install 'checkout-age[cpu]' (or [gpu])"
    if len(installed) > 1:
        return (
            f"{' and '.join(installed)} are both installed; they share one module and hide each other "
            "(a GPU is then silently unused). Keep one: pip uninstall -y onnxruntime onnxruntime-gpu, "
            "then pip install 'checkout-age[gpu]' or 'checkout-age[cpu]'"
        )
    return None


def selftest(
    *,
    bundle_folder: Path,
    models_folder: Path | None = None,
    detector: DetectorKind = "auto",
    provider: Provider = "auto",
    threads: int = 0,
    runtimes: Sequence[str] | None = None,
    measured_s: float = 1.0,
) -> SelfTest:
    """Look at everything that can be looked at without a camera; never raises for what it finds.

    `threads` 0 takes one a core; `runtimes` replaces the list of installed distributions; each of the two speeds is
    measured for `measured_s`.
    """
    findings = _Findings()
    findings.figures = {
        "package": None,
        "packages": [],
        "providers": None,
        "provider": None,
        "detector": None,
        "contract": None,
        "model": None,
        "golden": None,
        "speed": {"ms_per_face": None, "ms_per_detection": None, "threads": None},
        "research_weights": None,
    }
    if not _runtime(findings, installed_runtimes() if runtimes is None else runtimes):
        return SelfTest(checks=tuple(findings.checks), figures=findings.figures)
    threads = threads or os.cpu_count() or 1
    found = _detector(findings, detector, models_folder, threads)
    reader = _model(findings, bundle_folder, provider, threads)
    _speed(findings, found, reader, threads, measured_s)
    return SelfTest(checks=tuple(findings.checks), figures=findings.figures)


def _runtime(findings: _Findings, installed: Sequence[str]) -> bool:
    """Exactly one ONNX Runtime, and what it offers."""
    findings.figures["packages"] = list(installed)
    findings.figures["package"] = installed[0].split()[0] if len(installed) == 1 else None
    reason = judge_runtimes(installed)
    if reason is not None:
        findings.say("package", reason, "failed")
        if not installed:
            return False
    else:
        findings.say("package", installed[0])
    try:
        import onnxruntime

        providers = onnxruntime.get_available_providers()
    except (ImportError, AttributeError) as error:
        findings.say(
            "providers",
            f"ONNX Runtime does not load: {error}. Install it again: "
            f"pip install --force-reinstall {installed[0].split()[0]}",
            "failed",
        )
        return False
    findings.figures["providers"] = providers
    findings.say("providers", "found " + ", ".join(providers))
    return True


def _detector(
    findings: _Findings, kind: DetectorKind, models_folder: Path | None, threads: int
) -> Detector | None:
    """The detector that `kind` leads to, verified, and whether it sees the face in the demo's picture."""
    from edge.face import DetectorError, choose_detector, open_detector

    try:
        choice = choose_detector(kind, models_folder=models_folder)
        detector = open_detector(choice, intra_op_threads=threads)
    except DetectorError as error:
        findings.say("detector", str(error), "failed")
        return None
    findings.figures["detector"] = {"name": choice.name, "sha256": choice.sha256, "reason": choice.reason}
    faces = len(detector.detect([_picture()])[0])
    if faces == 1:
        findings.say("detector", f"{choice.reason}; SHA-256 {choice.sha256[:16]}…; sees the portrait's face")
        return detector
    findings.say(
        "detector",
        f"{choice.name} finds {faces} faces where there is 1. Way out: checkout-age models verify; "
        "if the files are right, ONNX Runtime is not the version in requirements/",
        "failed",
    )
    return None


def _model(findings: _Findings, folder: Path, provider: Provider, threads: int) -> AgeReader | None:
    """The age bundle: digests and crop contract, the provider that runs it, its golden vectors."""
    from edge.age import AgeBundle, AgeModelError, AgeReader, golden_check
    from edge.face import CONTRACT

    findings.figures["contract"] = {"version": CONTRACT.version, "digest": CONTRACT.digest}
    try:
        bundle = AgeBundle.load(folder, contract_digest=CONTRACT.digest)
        findings.say("model", f"{bundle.name}: files as described; {bundle.licence}")
        findings.say(
            "contract", f"version {CONTRACT.version}, digest {CONTRACT.digest[:16]}…, the bundle's too"
        )
        findings.figures["model"] = {
            "name": bundle.name,
            "folder": str(folder),
            "licence": bundle.licence,
            "intended_use": bundle.intended_use,
        }
        if is_research(bundle):
            findings.figures["research_weights"] = RESEARCH
        reader = AgeReader(bundle, provider=provider, threads=threads)
        golden = golden_check(bundle, reader)
    except AgeModelError as error:
        findings.say("model", str(error), "failed")
        return None
    findings.figures["provider"] = {"wanted": provider, "used": reader.provider, "degraded": reader.degraded}
    wanted = f"{reader.provider} is used, {provider} was asked for"
    findings.say("provider", reader.degraded or wanted, "degraded" if reader.degraded else "ok")
    findings.figures["golden"] = {
        "crops": golden.crops,
        "worst_years": golden.worst_years,
        "passed": golden.passed,
    }
    told = (
        golden.reason
        or f"{golden.crops} faces read as where the model was made ({golden.worst_years:.3f} years)"
    )
    findings.say("golden", told, "ok" if golden.passed else "failed")
    return reader if golden.passed else None


def _speed(
    findings: _Findings, detector: Detector | None, reader: AgeReader | None, threads: int, measured_s: float
) -> None:
    """Milliseconds on this device: medians of repeated runs, so a busy moment does not decide."""
    import numpy as np

    ms_per_detection = ms_per_face = None
    if detector is not None:
        picture = [_picture()]
        ms_per_detection = _median_ms(lambda: detector.detect(picture), measured_s)
    if reader is not None:
        crops = np.zeros((4, 112, 112, 3), np.uint8)
        ms_per_face = _median_ms(lambda: reader.read(crops), measured_s) / len(crops)
    findings.figures["speed"] = {
        "ms_per_face": ms_per_face,
        "ms_per_detection": ms_per_detection,
        "threads": threads,
    }
    if ms_per_face is not None and ms_per_detection is not None:
        findings.say(
            "speed",
            f"{ms_per_face:.1f} ms a face (in fours), {ms_per_detection:.1f} ms a detection in 1280 x 720, "
            f"threads: {threads}",
        )


def _picture() -> Any:
    """A frame of the demo lane in which somebody stands at the till: BGR uint8 `(720, 1280, 3)`."""
    from edge.camera.demo_lane import DemoLane

    return DemoLane(camera="selftest", fps=1.0).frame(6).image


def _median_ms(work: Callable[[], object], measured_s: float) -> float:
    work()
    spent: list[float] = []
    end = time.perf_counter() + measured_s
    while len(spent) < 3 or time.perf_counter() < end:
        began = time.perf_counter()
        work()
        spent.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(spent), 3)
