"""The Linux guest does what every guest must."""

from __future__ import annotations

import pytest

from lazaretto.testing.profiles import Dialect, ProfileConformance

pytestmark = pytest.mark.machine("linux")

EVERYTHING = f"""
echo {Dialect.SAID}
printf '{Dialect.KEPT.decode()}' > /tmp/first
mv /tmp/first /tmp/second
echo x > /tmp/gone
rm /tmp/gone
sh -c 'test -e /tmp/second'
curl -s -d '{Dialect.BODY.decode()}' {Dialect.URL} > /dev/null
sleep 590
echo late > /tmp/late
exit 7
"""


class TestLinux(ProfileConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def dialect(cls, programs):
        return Dialect(
            profile="linux", launch="sh",
            everything=programs.file("everything.sh", EVERYTHING),
            endless=programs.file("endless.sh", "while :; do sleep 7; done"),
            busy=programs.file("busy.sh", "while :; do :; done"),
            nothing=programs.file("nothing.sh", "exit 0"),
            first="/tmp/first", second="/tmp/second", gone="/tmp/gone", late="/tmp/late", child="test -e /tmp/second",
        )  # fmt: skip
