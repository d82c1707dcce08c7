"""One judgement of a box, for `/health`, `status` and the service manager."""

from __future__ import annotations

from dataclasses import replace

from edge.ops.health import HealthState, judge
from tests.conftest import Measured
from tests.ops.moments import STATS, camera, sink

WELL = replace(STATS, cameras=(camera(),), sinks=(sink("file"),), clock_synchronised=True, notes=())
WELL = replace(
    WELL,
    inference=replace(WELL.inference, degraded=None),
    event_store=replace(WELL.event_store, accepting=True, reason=None, free_bytes=10_000_000_000),
)


def test_a_box_that_is_well_has_no_reasons():
    health = judge(WELL)
    assert (health.state, health.exit_code, health.reasons) == (HealthState.OK, 0, ())


def test_a_gpu_that_was_hoped_for_and_does_not_work_is_told(measured: Measured):
    told = "there is an NVIDIA device, but ONNX Runtime offers only the CPU"
    health = judge(replace(WELL, inference=replace(WELL.inference, provider_wanted="auto", degraded=told)))
    assert (health.state, health.exit_code, health.reasons) == (HealthState.DEGRADED, 1, (told,))
    measured("GPU hoped for and not working", f"`{health.state}`, `status` ends with {health.exit_code}")


def test_a_blind_lane_is_down_whatever_else_is_well():
    blind = camera("cam-2", state="down", reason="no_frames")
    health = judge(replace(WELL, cameras=(camera(), blind)))
    assert (health.state, health.exit_code) == (HealthState.DOWN, 2)
    assert "cam-2" in health.reasons[0]
    assert "no_frames" in health.reasons[0]


def test_a_store_that_refuses_is_down_with_its_reason():
    full = replace(WELL.event_store, accepting=False, reason="disk_full")
    assert judge(replace(WELL, event_store=full)).reasons == ("the store takes no events: disk_full",)


def test_a_loop_that_stands_still_is_down():
    health = judge(replace(WELL, stalled=("vision loop",)))
    assert (health.state, health.reasons) == (
        HealthState.DOWN,
        ("the vision loop stands still: restart the service",),
    )


def test_a_clock_that_nobody_sets_degrades_and_one_that_cannot_be_asked_does_not():
    assert judge(replace(WELL, clock_synchronised=False)).state is HealthState.DEGRADED
    assert judge(replace(WELL, clock_synchronised=None)).state is HealthState.OK
