import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_agent.config.documents import MAX_FILE_BYTES
from edge_agent.config.files import load_site
from edge_agent.errors import CalibrationError, ConfigError

LANES_BOARD = "8f3a1c5e7b902d46"
PLATFORM_BOARD = "02d468f3a1c5e7b9"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) >= 1, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new, 1))


def refusal(unit_files: Path, kind: type[ConfigError] = ConfigError) -> str:
    """Load the unit, expect one error, and return its message after checking that it is one line."""
    with pytest.raises(kind) as caught:
        load_site(unit_files / "agent.toml")
    assert type(caught.value) is kind
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{unit_files}/", "")


@contextmanager
def without_root() -> Iterator[None]:
    """Root reads everything: be nobody for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_consistent_unit_is_read_whole(unit_files: Path) -> None:
    site = load_site(unit_files / "agent.toml")

    assert [shelf.shelf_id for shelf in site.shelves] == ["drinks", "snacks"]
    assert site.opening_stock()["A1"] == {"oat-milk": 3}
    assert site.catalogue.item("crisps").unit_weight_g == 45
    cola = site.calibration(LANES_BOARD)
    assert cola is not None
    channel = cola.channel(1)
    assert channel is not None
    assert channel.counts_per_g == -428.9


def test_the_store_file_fills_in_what_the_unit_does_not_say_itself(unit_files: Path) -> None:
    edit(unit_files / "agent.toml", "[[boards]]", '[broker]\nport = 8883\ntls = { ca_file = "ca.pem" }\n\n[[boards]]')

    broker = load_site(unit_files / "agent.toml").agent.broker

    assert (broker.host, broker.port) == ("broker.shop", 8883)
    assert broker.tls is not None
    assert broker.tls.ca_file == str(unit_files / "ca.pem")


def test_paths_are_relative_to_the_agents_file_and_not_to_where_it_is_started(unit_files: Path) -> None:
    edit(unit_files / "store.toml", "port = 1884", 'port = 1884\npassword_file = "secrets/broker"')

    agent = load_site(unit_files / "agent.toml").agent

    assert agent.state_dir == str(unit_files / "state")
    assert agent.broker.password_file == str(unit_files / "secrets/broker")


def test_a_store_file_may_not_name_another(unit_files: Path) -> None:
    (unit_files / "store.toml").write_text('store = "more.toml"\n[broker]\nhost = "b"\n')
    assert refusal(unit_files) == "store.toml: store: a store file names no other; remove this key"


# Each row: file, what stands there, what somebody typed instead, what the technician must read.
@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("agent.toml", "agent_id", "agnt_id", "agent.toml: agnt_id: unknown key; did you mean 'agent_id'?"),
        ("agent.toml", "agent_id", "zzz", "agent.toml: zzz: unknown key; known here: schema_version, store_id, "),
        ("agent.toml", 'agent_id = "unit-7"', "", "agent.toml: agent_id: this key is missing; add it"),
        ("agent.toml", "unit-7", "Unit 7", "agent.toml: agent_id = 'Unit 7': use 1-64 of a-z, 0-9, '_' and '-'"),
        ("agent.toml", "schema_version = 1", "schema_version = 2", "agent.toml: schema_version = 2: allowed 1"),
        ("agent.toml", "right", "left", "agent.toml: boards: port /dev/serial/by-path/left stands twice"),
        ("agent.toml", LANES_BOARD, "8F3A", "boards[0].uid = '8F3A': 16 lower-case hexadecimal digits"),
        ("agent.toml", '"planogram.toml"', '"lost.toml"', "lost.toml: no such file; agent.toml: planogram names it"),
        ("agent.toml", '"store.toml"', '"lost.toml"', "lost.toml: no such file; agent.toml: store names it"),
        ("agent.toml", "shelves/snacks.toml", "shelves/x.toml", "shelves/x.toml: no such file; agent.toml: shelves[1]"),
        ("agent.toml", '"planogram.toml"', '"shelves"', "shelves: is a directory; name the TOML file in it"),
        ("store.toml", "port = 1884", "port = 99999", "store.toml: broker.port = 99999: allowed 1-65535"),
        ("store.toml", "port", "prt", "store.toml: broker.prt: unknown key; did you mean 'port'?"),
        ("store.toml", "1884", '"x"', "store.toml: broker.port = 'x': expected a whole number, got text in quotes"),
        (
            "shelves/drinks.toml",
            "lane_cells",
            "plates",
            "kind = 'plates': allowed 'lane_cells', 'narrow_plates', 'platform'",
        ),
        ("shelves/drinks.toml", "x_mm = 375", "x_mm = 475", "cell at (475.0, 0.0) mm is outside the shelf"),
        ("shelves/drinks.toml", LANES_BOARD, "1" * 16, "agent.toml lists no such board under [[boards]]; it lists"),
        ("shelves/snacks.toml", '"snacks"', '"drinks"', "shelves/snacks.toml: shelf_id = 'drinks': shelves/drinks"),
        ("shelves/snacks.toml", "= 12", "= 30", "min_event_g = 30: allowed up to 22.5, half of the lightest item"),
        (
            "planogram.toml",
            "[[lanes]]",
            "[[lanes]",
            "planogram.toml: broken TOML: Expected ']]' at the end of an array",
        ),
        ("planogram.toml", "revision = 3", "revision = ", "planogram.toml: broken TOML: Invalid value (at line 2, col"),
        ("planogram.toml", '"A2"', '"A1"', "planogram.toml: lanes: lane_id 'A1' stands twice"),
        ("planogram.toml", '"crisps"', '"crips"', "lanes[3].sku = 'crips': lane 'B1' names an unknown SKU; add it to"),
        ("planogram.toml", '"snacks"', '"snack"', "lanes[3].shelf_id = 'snack': lane 'B1' names an unknown shelf"),
        ("planogram.toml", "[300, 600]", "[300, 700]", "lane 'B2' is outside its shelf; allowed 0-600"),
        ("planogram.toml", "[300, 600]", "[290, 600]", "lane 'B2': x_mm = [290, 600] overlaps lane 'B1' [0, 300]"),
        (
            "planogram.toml",
            "[150, 300]",
            "[150, 340]",
            "lane 'A2' lies on plates 2, 3; a lane stands on one plate, bor",
        ),
        ("planogram.toml", "[0, 150]", "[0, 0.5]", "lane 'A1' lies on no plate; a lane stands on one plate, borders"),
        ("planogram.toml", "[0, 150]", "[0, 150, 2]", "lanes[0].x_mm = [0, 150, 2]: expected a list of length 2"),
        ("planogram.toml", "[0, 150]", "[0, inf]", "planogram.toml: lanes[0].x_mm[1] = inf: give a finite number"),
        ("planogram.toml", "capacity = 4", "capacity = true", "lanes[0].capacity = True: expected a whole number"),
        (
            "catalogue.toml",
            "4006381333931",
            "4006381333932",
            "items[0].gtin = '4006381333932': its check digit must be 1: a digit is mistyped",
        ),
        ("catalogue.toml", '"96385074"', '"5000112637922"', "items[2].gtin = '5000112637922': 'cola-can' has it too"),
        ("catalogue.toml", "= 1045", "= -1045", "items[0].unit_weight_g = -1045.0: allowed above 0 up to 100000"),
        ("catalogue.toml", "= 1045", "= nan", "catalogue.toml: items[0].unit_weight_g = nan: give a finite number"),
        (
            "catalogue.toml",
            "revision = 5",
            f"revision = {2**70}",
            ": give a number within 64 bits",
        ),
        ("catalogue.toml", '"lime-can"', '"cola-can"', "catalogue.toml: items: sku 'cola-can' stands twice"),
        ("catalogue.toml", "revision = 5", f"revision = {'[' * 5000}", "lists or tables are nested too deeply"),
        ("catalogue.toml", "= 1045", f"= {'9' * 5000}", "catalogue.toml: broken TOML: Exceeds the limit"),
    ],
)
def test_a_typing_error_is_answered_with_file_key_value_and_fix(
    unit_files: Path, file: str, old: str, new: str, expected: str
) -> None:
    edit(unit_files / file, old, new)
    assert expected in refusal(unit_files)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (f'"{PLATFORM_BOARD}"', f'"{LANES_BOARD}"', "the file is named for board 02d468f3a1c5e7b9"),
        (
            "{ index = 3, zero_counts = 0, counts_per_g = 107.4 },",
            "",
            "channels[3]: board 02d468f3a1c5e7b9 input 3 has",
        ),
        ("counts_per_g = 107.4", "counts_per_g = 0", "channels[0].counts_per_g = 0.0: 0.01-1e6 in size"),
        ("revision", "revison", "revison: unknown key; did you mean 'revision'?"),
    ],
)
def test_a_calibration_that_does_not_fit_is_its_own_kind_of_error(
    unit_files: Path, old: str, new: str, expected: str
) -> None:
    edit(unit_files / f"calibration/{PLATFORM_BOARD}.toml", old, new)
    message = refusal(unit_files, CalibrationError)
    assert expected in message
    assert f"calibration/{PLATFORM_BOARD}.toml" in message


def test_a_board_that_was_never_calibrated_stops_the_agent(unit_files: Path) -> None:
    (unit_files / f"calibration/{PLATFORM_BOARD}.toml").unlink()
    message = refusal(unit_files, CalibrationError)
    assert f"calibration/{PLATFORM_BOARD}.toml does not exist; calibrate this board" in message
    assert "(and 3 more: `edge-agent check` lists them)" in message


def test_one_cell_cannot_carry_two_shelves(unit_files: Path) -> None:
    edit(unit_files / "shelves/snacks.toml", PLATFORM_BOARD, LANES_BOARD)
    message = refusal(unit_files)
    assert f"board {LANES_BOARD} input 0 already carries shelf 'drinks'" in message


def test_a_lane_rounded_to_the_millimetre_still_stands_on_its_plate(unit_files: Path) -> None:
    edit(unit_files / "planogram.toml", "[0, 150]", "[0, 149.6]")
    edit(unit_files / "planogram.toml", "[150, 300]", "[149.6, 300.4]")
    edit(unit_files / "planogram.toml", "[300, 450]", "[300.4, 450]")
    assert len(load_site(unit_files / "agent.toml").planogram.lanes) == 5


def test_the_same_number_with_leading_zeros_is_the_same_product(unit_files: Path) -> None:
    edit(unit_files / "catalogue.toml", '"96385074"', '"05000112637922"')
    assert "'cola-can' has it too" in refusal(unit_files)


def test_a_file_saved_in_another_encoding_is_named_with_its_line(unit_files: Path) -> None:
    path = unit_files / "catalogue.toml"
    path.write_bytes(path.read_text().replace("Crisps", "Käse").encode("latin-1"))
    assert refusal(unit_files) == "catalogue.toml: line 28: byte 0xe4 is not UTF-8; save the file as UTF-8"


def test_a_byte_order_mark_from_a_windows_editor_does_no_harm(unit_files: Path) -> None:
    path = unit_files / "catalogue.toml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load_site(unit_files / "agent.toml").catalogue.revision == 5


def test_a_file_of_another_kind_is_refused_before_it_fills_the_memory(unit_files: Path) -> None:
    with (unit_files / "catalogue.toml").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    assert refusal(unit_files) == "catalogue.toml: 4,194,305 bytes; allowed 4,194,304: is this the right file?"


def test_a_pipe_in_place_of_a_file_does_not_hang_the_agent(unit_files: Path) -> None:
    (unit_files / "catalogue.toml").unlink()
    os.mkfifo(unit_files / "catalogue.toml")
    assert refusal(unit_files) == "catalogue.toml: is not a regular file; name a TOML file"


def test_a_file_that_the_agent_may_not_read_is_named_with_the_user(unit_files: Path) -> None:
    for folder in (unit_files, *unit_files.parents[:4]):  # a parallel run adds a folder of its own
        folder.chmod(0o755)
    (unit_files / "catalogue.toml").chmod(0)
    with without_root():
        message = refusal(unit_files)
        user = os.geteuid()
    assert message.startswith(f"catalogue.toml: permission denied for user id {user}; make it readable")


def test_a_symbolic_link_that_leads_in_a_circle_is_an_error(unit_files: Path) -> None:
    (unit_files / "catalogue.toml").unlink()
    (unit_files / "catalogue.toml").symlink_to("catalogue.toml")
    assert "catalogue.toml: cannot be read: Too many levels of symbolic links" in refusal(unit_files)
