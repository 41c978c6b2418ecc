"""The limit: never more than a burst and the rate, whoever asks in which process, and fields that tell a client the truth."""

import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.access.rates import Allowance, RateLimit, Rates, header_fields, network

SECOND = 10**9
LIMITS = st.builds(RateLimit, per_minute=st.integers(1, 10_000), burst=st.integers(1, 20))


class Clock:
    """Nanoseconds that pass when a test says so."""

    now = 5 * SECOND

    def __call__(self) -> int:
        """Tell the time."""
        return self.now


def rates(per_minute: int = 60, burst: int = 3, *, shared: Path | None = None) -> tuple[Rates, Clock]:
    clock = Clock()
    return Rates(shared, RateLimit(per_minute, burst), clock=clock), clock


def taken(limited: Rates, subject: str, times: int) -> int:
    return sum(limited.take(subject).allowed for _ in range(times))


def test_a_burst_then_one_an_interval() -> None:
    limited, clock = rates(per_minute=60, burst=3)

    assert 3 == taken(limited, "agence", 10)
    clock.now += SECOND - 1
    assert 0 == taken(limited, "agence", 10)
    clock.now += 1
    assert 1 == taken(limited, "agence", 10)
    clock.now += 60 * SECOND
    assert 3 == taken(limited, "agence", 10)


def test_an_allowance_says_what_is_left() -> None:
    limited, clock = rates(per_minute=60, burst=3)

    assert Allowance(True, 3, 2, 1.0, 0.0) == limited.take("agence")
    clock.now += SECOND // 4
    assert Allowance(True, 3, 1, 0.75, 0.0) == limited.take("agence")
    assert Allowance(True, 3, 0, 0.75, 0.0) == limited.take("agence")
    assert Allowance(False, 3, 0, 0.75, 0.75) == limited.take("agence")


def test_looking_takes_nothing() -> None:
    limited, _ = rates(burst=1)

    assert [Allowance(True, 1, 1, 0.0, 0.0)] * 3 == [limited.peek("agence") for _ in range(3)]
    assert limited.take("agence").allowed
    assert [False, False] == [limited.peek("agence").allowed, limited.peek("agence").allowed]


def test_subjects_do_not_pay_for_each_other() -> None:
    limited, _ = rates(burst=2)

    assert [2, 2, 2] == [taken(limited, subject, 5) for subject in ("agence", "", "\udcff")]


@given(LIMITS, st.lists(st.one_of(st.just(0), st.integers(0, 10**6), st.integers(0, 90 * SECOND)), max_size=60))
def test_no_window_of_time_holds_more_than_a_burst_and_the_rate(limit: RateLimit, waits: list[int]) -> None:
    clock = Clock()
    limited = Rates(None, limit, clock=clock)
    times = []
    for wait in waits:
        clock.now += wait
        if limited.take("agence").allowed:
            times.append(clock.now)

    for first, start in enumerate(times):
        for last in range(first, len(times)):
            assert (last - first + 1 - limit.burst) * 60 * SECOND <= (times[last] - start) * limit.per_minute


@given(LIMITS, st.lists(st.integers(0, 20 * SECOND), min_size=1, max_size=40))
def test_what_is_said_comes_true(limit: RateLimit, waits: list[int]) -> None:
    """`remaining` more are allowed at once and not one more; a refused one is allowed after `retry_after` and not before."""
    clock = Clock()
    limited = Rates(None, limit, clock=clock)
    for wait in waits:
        clock.now += wait
        said = limited.take("agence")
        seen = limited.peek("agence")
        assert (limit.burst, said.remaining, said.reset_seconds) == (seen.limit, seen.remaining, seen.reset_seconds)
        assert said.allowed == (said.retry_after == 0)

    remaining = limited.peek("agence").remaining
    assert remaining == taken(limited, "agence", limit.burst + 1)
    refused = limited.take("agence")
    clock.now += round(refused.retry_after * SECOND) - 1
    assert not limited.peek("agence").allowed
    clock.now += 1
    assert 1 == taken(limited, "agence", 2)


@given(st.integers(1, 10_000))
def test_the_rate_holds_however_a_minute_divides(per_minute: int) -> None:
    limited, clock = rates(per_minute=per_minute, burst=1)
    start = clock.now
    for _ in range(10):
        assert limited.take("agence").allowed
        clock.now += round(limited.take("agence").retry_after * SECOND)

    assert (clock.now - start) * per_minute >= 60 * SECOND * 10


def test_a_slow_client_is_never_refused() -> None:
    limited, clock = rates(per_minute=7, burst=1)

    for _ in range(1000):
        assert limited.take("agence").allowed
        clock.now += limited.limit.interval


def test_workers_of_one_folder_share_a_limit_and_other_names_and_folders_do_not(tmp_path: Path) -> None:
    limit, clock = RateLimit(60, 5), Clock()
    one, other = (Rates(tmp_path, limit, clock=clock) for _ in range(2))

    assert (3, 2) == (taken(one, "agence", 3), taken(other, "agence", 5))
    assert 5 == taken(Rates(tmp_path, limit, name="failures", clock=clock), "agence", 9)
    assert [5, 5] == [taken(Rates(None, limit, clock=clock), "agence", 9) for _ in range(2)]


def test_numbers_from_before_a_restart_of_the_machine_hold_nobody_up(tmp_path: Path) -> None:
    limited, clock = rates(shared=tmp_path)
    clock.now = 10**16
    taken(limited, "agence", 5)

    clock.now = SECOND
    assert 3 == taken(limited, "agence", 5)


HAMMER = """
import os, sys, threading
from pathlib import Path
from tagger.access.rates import RateLimit, Rates
rates = Rates(Path(sys.argv[1]), RateLimit(60, 4000), clock=lambda: 10**9)
def hammer():
    while rates.take("agence").allowed:
        os.write(1, b"1")
threads = [threading.Thread(target=hammer) for _ in range(3)]
print("ready", flush=True)
sys.stdin.readline()
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def hammers(folder: Path, count: int) -> list[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", HAMMER, str(folder)]
    started = [subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(count)]
    for process in started:
        assert process.stdout is not None
        assert b"ready\n" == process.stdout.readline()
    return started


def begin(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")


def test_several_processes_of_several_threads_get_one_burst_together(tmp_path: Path) -> None:
    """Their clock stands still: a count that got lost would be one request too many."""
    processes = hammers(tmp_path, 4)

    begin(processes)
    allowed = [process.communicate()[0].count(b"1") for process in processes]

    assert 4000 == sum(allowed), allowed


def test_processes_that_are_killed_leave_the_count_and_the_lock_to_the_others(tmp_path: Path) -> None:
    processes = hammers(tmp_path, 3)
    begin(processes)
    said = 0
    for process in processes[:2]:
        assert process.stdout is not None
        said += len(process.stdout.read(200))
        process.send_signal(signal.SIGKILL)
    allowed = [process.communicate()[0].count(b"1") for process in processes]

    # A killed process may have counted a request of each of its three threads and said nothing of it.
    assert 4000 - 2 * 3 <= said + sum(allowed) <= 4000
    assert not Rates(tmp_path, RateLimit(60, 4000), clock=lambda: SECOND).take("agence").allowed


def test_threads_get_one_burst_together() -> None:
    limited = Rates(None, RateLimit(60, 1000), clock=lambda: SECOND)
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(taken(limited, "agence", 500))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1000 == sum(counts)


def test_the_fields_of_an_answer() -> None:
    limited, _ = rates(per_minute=100, burst=100)
    first = limited.take("agence")

    assert {"RateLimit-Policy": '"default";q=100;w=60', "RateLimit": '"default";r=99;t=1'} == header_fields(first, limited)


def test_the_fields_of_a_refusal() -> None:
    limited, clock = rates(per_minute=10, burst=2)
    taken(limited, "agence", 2)
    clock.now += SECOND // 2

    fields = header_fields(limited.take("agence"), limited)

    assert {"RateLimit-Policy": '"default";q=2;w=12', "RateLimit": '"default";r=0;t=6', "Retry-After": "6"} == fields


@given(LIMITS, st.lists(st.integers(0, 20 * SECOND), min_size=1, max_size=30))
def test_who_keeps_to_the_fields_is_not_refused(limit: RateLimit, waits: list[int]) -> None:
    clock = Clock()
    limited = Rates(None, limit, clock=clock)
    for wait in waits:
        clock.now += wait
        fields = header_fields(limited.take("agence"), limited)
    found = re.fullmatch(r'"default";r=(\d+);t=(\d+)', fields["RateLimit"])
    assert found is not None
    remaining, seconds = map(int, found.groups())

    assert fields.get("Retry-After", str(seconds)) == str(seconds)
    assert remaining == taken(limited, "agence", remaining)
    clock.now += seconds * SECOND
    assert limited.take("agence").allowed


@pytest.mark.parametrize(("per_minute", "burst"), [(0, 1), (1, 0), (-5, 5)])
def test_a_limit_that_lets_nobody_in_is_refused(per_minute: int, burst: int) -> None:
    with pytest.raises(ValueError, match="at least one request"):
        RateLimit(per_minute, burst)


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_whose_guesses_an_address_counts_for(address: str, subject: str) -> None:
    assert subject == network(address)


def test_a_limit_can_be_lowered_and_nobody_waits_longer_than_it_says(tmp_path: Path) -> None:
    """A reload keeps the folder: what somebody owes under the old limit must not hold him up for hours under the new one."""
    clock = Clock()
    taken(Rates(tmp_path, RateLimit(1, 100), clock=clock), "agence", 100)

    after = Rates(tmp_path, RateLimit(60, 5), clock=clock).take("agence")

    assert after.retry_after <= 5
