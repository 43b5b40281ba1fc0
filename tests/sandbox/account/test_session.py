from __future__ import annotations

import base64


def test_console_and_windows(linux):
    linux.sample()
    linux.keeper("console", stream="err", data=base64.b64encode(b"a\x1b[31mb\n\xff").decode())
    linux.keeper("window", title="Invoice", **{"class": "gedit"}, dialog=True, geometry=[0, 0, 1, 1])
    console, window = linux.events("console", "window")
    assert (console.stream, console.text) == ("err", "a\ufffd[31mb\n\ufffd")
    assert (window.title, window.window_class, window.dialog) == ("Invoice", "gedit", True)


def test_time_counts_from_the_start_of_the_sample(linux):
    linux.keeper("start", path="/home/anna/Downloads/sample")
    linux.now += 2_000_000_000
    linux.sample()
    linux.keeper("done", ending="exited")
    trace = linux.trace()
    assert trace.events[0].time == 2_002_000_000
    assert trace.guest_time == 2.003
