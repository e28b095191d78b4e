"""The figures of merit by way of Python: the same vectors as in Rust, and what numpy users hand over."""

import json
import pathlib

import numpy as np
import pytest
import veravox
from veravox import metrics

VECTORS = json.loads((pathlib.Path(__file__).parents[3] / "testdata" / "vectors" / "metrics.json").read_text("utf-8"))


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_figures_are_those_of_the_evaluation_package(case):
    costs, given = case["parameters"], case["input"]
    bonafide, spoof = given["bonafide"], given["spoof"]
    groups = given.get("bonafide_groups", range(len(bonafide))), given.get("spoof_groups", range(len(spoof)))
    trials = metrics.Trials(bonafide, groups[0], spoof, groups[1], **costs)
    for name, expected in case["expected"].items():
        assert trials.value(name) == pytest.approx(expected, rel=0, abs=1e-9)
        if hasattr(metrics, name):
            more = costs if name.endswith("dcf") else {}
            assert getattr(metrics, name)(bonafide, spoof, **more) == pytest.approx(expected, rel=0, abs=1e-9)


def test_costs_are_those_of_asvspoof_5_without_more_said():
    case = VECTORS["cases"][0]
    assert case["parameters"] == {"spoof_prior": 0.05, "reject_bonafide": 1.0, "accept_spoof": 10.0}
    for name in ("min_dcf", "act_dcf"):
        value = getattr(metrics, name)(case["input"]["bonafide"], case["input"]["spoof"])
        assert value == pytest.approx(case["expected"][name], abs=1e-9)


def test_arrays_of_any_kind_are_taken():
    bonafide, spoof = np.arange(8, dtype=np.float32)[::2], np.array([3, 5, 9])
    expected = metrics.auc([0, 2, 4, 6], (3.0, 5.0, 9.0))
    assert metrics.auc(bonafide, spoof) == expected == pytest.approx(9 / 12)
    sources, systems = np.array(["a", "a", "b", "b"]), np.array([1, 1, 2])
    trials = metrics.Trials(bonafide, sources, spoof, systems)
    assert set(trials.eer_by_system()) == {"1", "2"}
    assert trials.value("mean_eer_over_systems") == np.mean(list(trials.eer_by_system().values()))


def test_functions_go_by_their_public_name():
    for name in metrics.__all__:
        thing = getattr(metrics, name)
        assert (thing.__module__, thing.__name__) == ("veravox.metrics", name) and thing.__doc__


def test_a_curve_runs_from_nothing_rejected_to_nothing_accepted():
    thresholds, rejected, accepted = metrics.det_curve([0, 1], [1, 2])
    assert thresholds.tolist() == [np.inf, 2, 1, 0]
    assert rejected.tolist() == [0, 0, 0.5, 1] and accepted.tolist() == [1, 0.5, 0, 0]


def test_intervals_follow_their_settings():
    rng = np.random.default_rng(4)
    systems = np.repeat(np.arange(20), 6)
    spoof = rng.normal(2, 1, 120) + rng.normal(0, 1, 20)[systems]
    bonafide, sources = rng.normal(-1, 1, 90), np.repeat(np.arange(15), 6)
    trials = metrics.Trials(bonafide, sources, spoof, systems)
    wide = trials.estimate("eer", rounds=300, seed=5)
    assert wide.low < wide.value == metrics.eer(bonafide, spoof) < wide.high
    assert wide == trials.estimate("eer", rounds=300, seed=5) != trials.estimate("eer", rounds=300, seed=6)
    narrow = trials.estimate("eer", rounds=300, confidence=0.5, seed=5)
    assert wide.low < narrow.low < narrow.high < wide.high
    share = metrics.mean(spoof > 2, systems, rounds=300)
    assert share.low < share.value < share.high and share.value == pytest.approx((spoof > 2).mean())


def test_pages_are_groups_of_both_classes():
    trials = metrics.Trials([0, 1, 9], ["p", "q", "r"], [2, 0.5, -9], ["p", "q", "s"])
    inside = trials.estimate("auc_inside_groups", rounds=100)
    assert (inside.low, inside.value, inside.high) == (0, 0.5, 1)


@pytest.mark.parametrize(
    "wrong,words",
    [
        (lambda: metrics.eer([], [1.0]), "at least one bonafide score"),
        (lambda: metrics.cllr([0.0], [np.nan]), "spoof score 0 is not a number"),
        (lambda: metrics.min_dcf([0.0], [1.0], spoof_prior=2), "spoof_prior"),
        (lambda: metrics.Trials([0.0], ["a"], [1.0], []), "a group for each of 1 spoof scores"),
        (lambda: metrics.Trials([0.0], ["a"], [1.0], ["b"]).value("f1"), "no figure"),
        (lambda: metrics.Trials([0.0], ["a"], [1.0], ["b"]).estimate("eer", rounds=0), "at least one round"),
        (lambda: metrics.mean([1.0], ["a"], confidence=1.0), "confidence"),
    ],
)
def test_what_cannot_be_is_said(wrong, words):
    with pytest.raises(veravox.VeravoxError, match=words) as caught:
        wrong()
    assert caught.value.kind == "invalid_argument"
