import io
import stat
from pathlib import Path

import numpy as np
import pytest

from edge_agent.appearance_store import (
    load_template,
    load_templates,
    load_what_can_be_read,
    remove_template,
    store_template,
    template_path,
)
from edge_agent.errors import CameraError
from edge_agent.vision.appearance_features import NUMBERS
from edge_agent.vision.templates import SkuTemplate, TemplateError, of_bytes, to_bytes


def template(sku: str, version: int = 1) -> SkuTemplate:
    rng = np.random.default_rng(3)
    return SkuTemplate(
        sku,
        version,
        2,
        ("a" * 64, "b" * 64),
        np.repeat([0, 1], 20).astype(np.int32),
        (rng.integers(0, 2780, (40, 2)) / 8).astype(np.float32),
        rng.integers(-127, 128, (40, NUMBERS)).astype(np.int8),
        rng.integers(0, 256, (2, 16, 16)).astype(np.uint8),
    )


def test_a_template_comes_back_from_its_bytes_and_equal_ones_give_equal_bytes() -> None:
    kept = template("milk", 3)
    again = of_bytes(to_bytes(kept))
    assert (again.sku, again.version, again.pictures, again.source_digests) == ("milk", 3, 2, kept.source_digests)
    for name in ("view", "xy_px", "descriptors", "small"):
        assert np.array_equal(getattr(again, name), getattr(kept, name))
    assert to_bytes(again) == to_bytes(kept)


def test_every_cut_of_a_template_is_refused() -> None:
    whole = to_bytes(template("milk"))
    for length in range(0, len(whole), 97):
        with pytest.raises(TemplateError, match=r"template, or damaged|is damaged"):
            of_bytes(whole[:length])


def test_arrays_of_something_else_are_no_template() -> None:
    other = io.BytesIO()
    np.savez(other, a=np.zeros(3))
    with pytest.raises(TemplateError, match="no appearance template"):
        of_bytes(other.getvalue())


def test_a_template_of_a_later_release_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.vision.templates.FORMAT_VERSION", 2)
    later = to_bytes(template("milk"))
    monkeypatch.undo()
    with pytest.raises(TemplateError, match="its format_version is 2, this release reads 1"):
        of_bytes(later)


def test_templates_are_kept_for_their_owner_alone_whatever_the_sku_is_called(tmp_path: Path) -> None:
    for sku in ("milk 1l", "a/b", "../escape", ".hidden", "açaí"):
        path = store_template(tmp_path, template(sku))
        assert path.parent == tmp_path / "appearance"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        found = load_template(tmp_path, sku)
        assert found is not None
        assert found.sku == sku
    assert {each.sku for each in load_templates(tmp_path)} == {"milk 1l", "a/b", "../escape", ".hidden", "açaí"}
    assert remove_template(tmp_path, "a/b")
    assert not remove_template(tmp_path, "a/b")
    assert load_template(tmp_path, "a/b") is None


def test_a_damaged_file_is_named_with_the_fix_and_the_others_are_still_known(tmp_path: Path) -> None:
    store_template(tmp_path, template("milk"))
    broken = template_path(tmp_path, "juice")
    broken.write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(CameraError, match=r"juice.npz: it is no appearance template.*camera enrol juice --from FOLDER"):
        load_templates(tmp_path)
    templates, errors = load_what_can_be_read(tmp_path)
    assert [each.sku for each in templates] == ["milk"]
    assert str(broken) in str(errors[0])


def test_a_file_under_another_skus_name_is_refused(tmp_path: Path) -> None:
    stored = store_template(tmp_path, template("milk"))
    stored.rename(template_path(tmp_path, "juice"))
    with pytest.raises(CameraError, match=r"juice.npz: it is the template of milk"):
        load_template(tmp_path, "juice")


def test_nothing_is_enrolled_where_nothing_was(tmp_path: Path) -> None:
    assert load_templates(tmp_path) == []
