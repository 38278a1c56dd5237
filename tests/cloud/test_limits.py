from __future__ import annotations

import threading
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from qlift.cloud.limits import READS, SLOWEST, UPLOADS, WRITES, Limiter, RateLimits
from tests.cloud.servers import Time

WINDOW_SECONDS = 300.0
"""Documented, as the numbers below."""
PER_MINUTE = {READS: 1000, WRITES: 100, UPLOADS: 800}


def acquire(limiter: Limiter, tier: str) -> None:
    """A request that is answered at once."""
    with limiter.request(tier):
        pass


TIERS = st.sampled_from([READS, WRITES, UPLOADS])
STEP = st.one_of(
    st.tuples(st.just("send"), TIERS, st.integers(1, 400)),
    st.tuples(st.just("wait"), st.just(""), st.integers(0, 400)),
    st.tuples(st.just("refused"), TIERS, st.integers(1, 300)),
)


@given(st.lists(STEP, max_size=25), st.sampled_from([1.0, 0.5, 0.1]))
def test_no_window_holds_more_than_the_share_and_nothing_goes_out_while_stopped(
    steps: list[tuple[str, str, int]], share: float
) -> None:
    time = Time()
    limiter = Limiter(share=share, now=time.now, sleep=time.sleep)
    sent: dict[str, list[float]] = {tier: [] for tier in PER_MINUTE}
    stopped = dict.fromkeys(PER_MINUTE, 0.0)
    for what, tier, number in steps:
        if what == "wait":
            time.sleep(number)
        elif what == "refused":
            limiter.stop(tier, number)
            stopped[tier] = max(stopped[tier], time.now() + number)
        else:
            allowed = PER_MINUTE[tier] * 5 * share
            longest = WINDOW_SECONDS + SLOWEST * WINDOW_SECONDS / allowed
            for _ in range(number):
                before = time.now()
                acquire(limiter, tier)
                assert time.now() >= stopped[tier]
                assert time.now() <= max(before, stopped[tier]) + longest + 1
                sent[tier].append(time.now())
    for tier, times in sent.items():
        allowed = int(PER_MINUTE[tier] * 5 * share)
        for first, beyond in zip(times, times[allowed:], strict=False):
            # The window's own rounding is far below a millisecond.
            assert beyond - first > WINDOW_SECONDS - 0.001


def test_a_burst_may_use_the_window_and_then_waits_for_it() -> None:
    time = Time()
    limiter = Limiter(share=1.0, now=time.now, sleep=time.sleep)
    for _ in range(500):
        acquire(limiter, WRITES)
    assert time.slept == []
    acquire(limiter, WRITES)
    assert sum(time.slept) >= WINDOW_SECONDS


def test_a_stopped_tier_does_not_stop_the_others() -> None:
    time = Time()
    limiter = Limiter(share=1.0, now=time.now, sleep=time.sleep)
    limiter.stop(WRITES, 100)
    acquire(limiter, READS)
    assert time.slept == []


def test_after_a_refusal_requests_go_out_evenly_and_after_a_quiet_window_in_bursts_again() -> None:
    time = Time()
    limiter = Limiter(share=1.0, now=time.now, sleep=time.sleep)
    limiter.stop(WRITES, 10)
    times = []
    for _ in range(20):
        acquire(limiter, WRITES)
        times.append(time.now())
    assert all(later - earlier > 0.59 for earlier, later in pairwise(times))
    time.sleep(WINDOW_SECONDS + 10)
    time.slept.clear()
    for _ in range(100):
        acquire(limiter, WRITES)
    assert time.slept == []


def test_more_refusals_make_it_slower_but_answers_to_requests_on_their_way_do_not() -> None:
    def pace(*refusals: tuple[float, float]) -> float:
        time = Time()
        limiter = Limiter(share=1.0, now=time.now, sleep=time.sleep)
        for seconds, then in refusals:
            limiter.stop(WRITES, seconds)
            time.sleep(then)
        acquire(limiter, WRITES)
        begin = time.now()
        acquire(limiter, WRITES)
        return time.now() - begin

    once, at_the_same_time, one_after_the_other = pace((5, 5)), pace((5, 0), (5, 5)), pace((5, 5), (5, 5))
    assert at_the_same_time == once < one_after_the_other


def test_threads_share_the_budget() -> None:
    time = Time()
    limiter = Limiter(share=1.0, now=time.now, sleep=time.sleep)

    def work() -> None:
        for _ in range(100):
            acquire(limiter, WRITES)

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.slept == []
    acquire(limiter, WRITES)
    assert time.slept != []


def test_a_tenant_may_have_limits_of_its_own() -> None:
    time = Time()
    limits = RateLimits(writes=60, window_seconds=10)
    limiter = Limiter(share=1.0, now=time.now, sleep=time.sleep, limits=limits)
    for _ in range(10):
        acquire(limiter, WRITES)
    assert not time.slept
    acquire(limiter, WRITES)
    assert sum(time.slept) >= 10


def test_a_request_counts_until_its_window_after_the_answer_is_over() -> None:
    time = Time()
    limiter = Limiter(
        share=1.0, now=time.now, sleep=time.sleep, limits=RateLimits(writes=60, window_seconds=1)
    )
    with limiter.request(WRITES):
        time.sleep(30)
    time.slept.clear()
    acquire(limiter, WRITES)
    assert sum(time.slept) >= 1
