"""Features, the regression, the model's file, the engine and the command that trains."""

from __future__ import annotations

import csv
import datetime
import json
import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazaretto.analysis.cage.host import Cage
from lazaretto.analysis.engine import Finding, Subject
from lazaretto.analysis.engines import model as engine
from lazaretto.analysis.examine import Examiner
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.formats.types import TYPES
from lazaretto.analysis.model import file as models
from lazaretto.analysis.model.features import features
from lazaretto.analysis.model.regression import area, at_threshold, fit, held_out, threshold_for
from lazaretto.analysis.rulefiles import default_folder
from lazaretto.cli.main import run
from lazaretto.domain.errors import ModelError
from lazaretto.domain.evidence import Weight

DAY = datetime.date(2026, 1, 5)


def subject(data: bytes, kind: str = "data") -> Subject:
    return Subject(data=data, name="a", kind=TYPES[kind])


def harmless(seed: int) -> bytes:
    chance = random.Random(seed)
    return " ".join(chance.choice(["print", "value", "return", "number"]) for _ in range(300)).encode()


def harmful(seed: int) -> bytes:
    return b"cmd base64 temp " + random.Random(seed).randbytes(3000)


def trained() -> models.Model:
    files = [harmless(n) for n in range(30)] + [harmful(n) for n in range(30)]
    return models.train([features(subject(data)) for data in files], [False] * 30 + [True] * 30, DAY)


@pytest.fixture(scope="module")
def model() -> models.Model:
    return trained()


def test_features_are_always_the_same_ones() -> None:
    program = Path("/bin/ls").read_bytes()
    tables = [features(subject(data, kind)) for data, kind in (
        (b"", "data"), (b"a", "text"), (harmful(1), "data"), (program, "elf-exe"), (b"MZ broken", "pe-exe"),
    )]  # fmt: skip
    assert len({tuple(table) for table in tables}) == 1
    assert features(subject(program, "elf-exe")) == tables[3]
    assert tables[3]["program.readable"] == 1.0
    assert tables[3]["imports.files"] > 0
    assert 60 < len(tables[0]) < 150


@given(st.binary(max_size=2000), st.sampled_from(["data", "pe-exe", "elf-exe", "text"]))
@settings(deadline=None)
def test_features_are_bounded(data: bytes, kind: str) -> None:
    assert all(-1000 < value < 1000 for value in features(subject(b"MZ" + data, kind)).values())


def test_regression_finds_what_separates() -> None:
    chance = random.Random(3)
    labels = [n % 2 == 0 for n in range(200)]
    rows = [[(1.0 if label else -1.0) + chance.gauss(0, 0.7), chance.gauss(0, 1), 5.0] for label in labels]
    fitted = fit(rows, labels)
    assert abs(fitted.weights[0]) > 5 * abs(fitted.weights[1])
    assert fitted.weights[2] == 0  # what is always the same says nothing
    assert fit(rows, labels) == fitted
    scores = held_out(rows, labels)
    assert area(scores, labels) > 0.9
    assert at_threshold(scores, labels, 0.5).found > 0.8


def test_nothing_can_be_learnt_from_chance() -> None:
    chance = random.Random(4)
    labels = [n % 2 == 0 for n in range(300)]
    rows = [[chance.gauss(0, 1) for _ in range(5)] for _ in labels]
    assert 0.35 < area(held_out(rows, labels), labels) < 0.65


def test_thresholds() -> None:
    scores, labels = [0.1, 0.6, 0.7, 0.8, 0.9], [False, False, True, False, True]
    assert 0.8 < threshold_for(scores, labels, 0.0) < 0.81
    assert 0.6 < threshold_for(scores, labels, 0.34) < 0.61
    assert threshold_for([0.1, 0.2], [False, True], 0.0) == 0.5
    assert area([0.1, 0.1], [True, False]) == 0.5
    assert area([0.2, 0.1], [True, False]) == 1.0


def test_the_file(model: models.Model) -> None:
    data = models.encoded(model)
    assert models.decoded(data) == model
    assert (model.made, model.harmful, model.harmless, model.features) == ("2026-01-05", 30, 30, 1)
    assert json.loads(data)["figures"][0]["found"] == 1.0


@pytest.mark.parametrize("change", [{"features": 99}, {"format": 2}, {"weights": ()}])
def test_a_model_of_another_making_is_refused(model: models.Model, change: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        models.decoded(models.encoded(msgspec.structs.replace(model, **change)))


@pytest.mark.parametrize("data", [b"", b"{}", b"\x80\x04\x95", b"[1]", b'{"format": 1}'])
def test_what_is_no_model_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(data)
    with pytest.raises(ModelError, match="not a model"):
        models.load(tmp_path / "m")


def test_too_few_files() -> None:
    with pytest.raises(ModelError, match="at least 20"):
        models.train([features(subject(b"a"))] * 30, [True] * 25 + [False] * 5, DAY)


def test_findings(model: models.Model) -> None:
    engine.take(models.encoded(model))
    assert ids(harmful(99)) == ["model-likely-harmful"]
    assert ids(harmless(99)) == []
    engine.take(models.encoded(msgspec.structs.replace(model, likely=0.99999999)))
    assert ids(harmful(99)) == ["model-maybe-harmful"]


def ids(data: bytes) -> list[str]:
    return [output.id for output in engine.examine(subject(data)) if isinstance(output, Finding)]


def test_its_word_is_never_more_than_moderate() -> None:
    meanings = load_meanings(default_folder()).by_id
    weights = {name: one.weight for name, one in meanings.items() if name.startswith("model-")}
    assert weights == {"model-likely-harmful": Weight.MODERATE, "model-maybe-harmful": Weight.WEAK}


@pytest.mark.slow
def test_trained_by_the_command_and_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (tmp_path / "labels.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["path", "label"])
        for n in range(25):
            (tmp_path / f"good{n}.txt").write_bytes(harmless(n))
            (tmp_path / f"bad{n}.bin").write_bytes(harmful(n))
            table.writerows([[f"good{n}.txt", "clean"], [f"bad{n}.bin", "malicious"]])
        table.writerow(["good0.txt", "clean"])  # once more
        table.writerow(["good0.txt", "suspicious"])  # left out
    out = tmp_path / "model.json"
    assert run(["model", "train", str(tmp_path / "labels.csv"), "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["harmful"], told["harmless"], told["area"]) == (25, 25, 1.0)
    with Cage() as cage:
        look = Examiner(
            cage, load_meanings(default_folder()), engines=[engine.ENGINE], options={"model": {"file": str(out)}}
        )
        tree = look(harmful(77), "x")
        again = look(harmless(77), "x.txt")
    assert [(one.id, one.weight) for one in tree.evidence] == [("model-likely-harmful", Weight.MODERATE)]
    assert next(one.version for one in tree.looked if one.engine == "model").startswith("1 20")
    assert again.evidence == ()


def test_no_model_no_engine() -> None:
    with Cage() as cage:
        tree = Examiner(cage, load_meanings(default_folder()), engines=[engine.ENGINE])(b"hello", "a.txt")
    absent = {one.engine: one.absent for one in tree.looked if one.absent}
    assert absent == {"model": "is not set up", "clamav": "is not set up"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n", "no columns path and label"),
        ("path,label\nx,evil\n", ":2: the label 'evil' is not known"),
        ("path,label\nnone.bin,clean\n", "there is no file"),
        ("", "no columns"),
    ],
)
def test_labels_that_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: str) -> None:
    (tmp_path / "l.csv").write_text(text)
    assert run(["model", "train", str(tmp_path / "l.csv"), "--out", str(tmp_path / "m")]) == 2
    assert told in " ".join(capsys.readouterr().err.split())


def test_labels_that_contradict_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").write_text("x")
    (tmp_path / "l.csv").write_text("path,label\na,clean\nb,malicious\n")
    assert run(["model", "train", str(tmp_path / "l.csv"), "--out", str(tmp_path / "m")]) == 2
    assert "twice with different labels" in capsys.readouterr().err
