"""Thresholds and the sequential test, for scores of one's own."""

import math

import pytest
import veravox


def test_a_test_turns_firm_and_notices_another_voice():
    thresholds = veravox.Thresholds(0.5, 2.0, -2.0)
    test = veravox.SequentialTest(thresholds.prior, thresholds.synthetic_llr, thresholds.bonafide_llr, 0.5)
    assert (test.llr, test.firm, test.decision, test.reasons) == (None, None, "inconclusive", ["too_little_speech"])
    turns = []
    for n, llr in enumerate([-2.5] * 20 + [3.0] * 6):
        turn = test.push(llr, 1.0 if n == 0 else 0.25, start=100 * n, end=100 * n + 400)
        if turn is not None:
            turns.append((turn.decision, turn.changed))
            last = turn
    assert turns == [("bonafide", False), ("synthetic", True)]
    assert last.since == 2_300, "the first sample that no human window held"
    assert last == last and repr(last) == "Turn(decision='synthetic', since=2300, changed=True)"
    assert test.firm == test.decision == "synthetic" and test.reasons == [] and test.llr == pytest.approx(3.6)


@pytest.mark.parametrize("correlation,expected", [(1.0, 1.0), (0.5, 1.6), (0.0, 4.0)])
def test_correlated_windows_say_less_together(correlation, expected):
    test = veravox.SequentialTest(0.5, 9, -9, correlation)
    for _ in range(4):
        test.push(1.0)
    assert test.llr == pytest.approx(expected) and test.firm is None and test.reasons == ["undecided"]


def test_one_window_is_decided_at_the_threshold():
    for llr, decision in ((2.0, "synthetic"), (-2.0, "bonafide"), (1.99, "inconclusive")):
        test = veravox.SequentialTest(0.5, 2.0, -2.0, 1.0)
        test.push(llr)
        assert test.decision == decision and test.firm == (None if decision == "inconclusive" else decision)


@pytest.mark.parametrize(
    "arguments", [(0, 1, -1, 0.5), (0.5, -1, 1, 0.5), (0.5, math.inf, -1, 0.5), (0.5, 1, -1, 1.5), (0.5, 1, -1, math.nan)]
)
def test_tests_that_cannot_be_are_refused(arguments):
    with pytest.raises(veravox.InvalidArgumentError, match="expected a prior inside"):
        veravox.SequentialTest(*arguments)


@pytest.mark.parametrize("llr,more", [(math.nan, {}), (1, {"fresh_share": 0}), (1, {"fresh_share": 1.5}), (1, {"start": 2})])
def test_windows_that_cannot_be_are_refused(llr, more):
    test = veravox.SequentialTest(0.5, 2, -2, 0.5)
    with pytest.raises(veravox.InvalidArgumentError, match="fresh_share above 0"):
        test.push(llr, **more)
    assert test.llr is None


def test_thresholds_follow_from_costs_and_rates():
    by_costs = veravox.Thresholds.from_costs(0.5, false_synthetic=1, false_bonafide=1, inconclusive=0.15)
    assert by_costs.prior == 0.5 and by_costs.synthetic_llr == pytest.approx(math.log(0.85 / 0.15))
    assert by_costs.bonafide_llr == pytest.approx(-by_costs.synthetic_llr)
    by_rates = veravox.Thresholds.from_rates(0.1, false_alarm=0.01, miss=0.05)
    assert by_rates == veravox.Thresholds(0.1, pytest.approx(math.log(95)), pytest.approx(math.log(0.05 / 0.99)))
    assert veravox.Detector(synthetic_llr=by_rates.synthetic_llr).thresholds().synthetic_llr == by_rates.synthetic_llr
    with pytest.raises(veravox.InvalidArgumentError, match="no answer to cost something"):
        veravox.Thresholds.from_costs(0.5, false_synthetic=1, false_bonafide=1, inconclusive=0)
    with pytest.raises(veravox.InvalidArgumentError, match="sum up to less than 1"):
        veravox.Thresholds.from_rates(0.5, false_alarm=0.6, miss=0.5)
