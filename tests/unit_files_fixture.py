from pathlib import Path

import pytest

LANES_BOARD = "8f3a1c5e7b902d46"
PLATFORM_BOARD = "02d468f3a1c5e7b9"
FILES = {
    "agent.toml": f"""
schema_version = 1
store_id = "corner-shop"
agent_id = "unit-7"
state_dir = "state"
store = "store.toml"
shelves = ["shelves/drinks.toml", "shelves/snacks.toml"]
planogram = "planogram.toml"
catalogue = "catalogue.toml"
calibration_dir = "calibration"

[[boards]]
uid = "{LANES_BOARD}"
port = "/dev/serial/by-path/left"

[[boards]]
uid = "{PLATFORM_BOARD}"
port = "/dev/serial/by-path/right"
""",
    "store.toml": """
[broker]
host = "broker.shop"
port = 1884

[policy]
min_confidence = 0.995
""",
    "shelves/drinks.toml": f"""
shelf_id = "drinks"
kind = "lane_cells"
width_mm = 450
depth_mm = 400

[[channels]]
board_uid = "{LANES_BOARD}"
index = 0
x_mm = 75

[[channels]]
board_uid = "{LANES_BOARD}"
index = 1
x_mm = 225

[[channels]]
board_uid = "{LANES_BOARD}"
index = 2
x_mm = 375
""",
    "shelves/snacks.toml": f"""
shelf_id = "snacks"
kind = "platform"
width_mm = 600
depth_mm = 400

[[channels]]
board_uid = "{PLATFORM_BOARD}"
index = 0
x_mm = 30
y_mm = 30

[[channels]]
board_uid = "{PLATFORM_BOARD}"
index = 1
x_mm = 570
y_mm = 30

[[channels]]
board_uid = "{PLATFORM_BOARD}"
index = 2
x_mm = 30
y_mm = 370

[[channels]]
board_uid = "{PLATFORM_BOARD}"
index = 3
x_mm = 570
y_mm = 370

[limits]
cell_max_g = 20000
min_event_g = 12
""",
    "planogram.toml": """
revision = 3

[[lanes]]
lane_id = "A1"
shelf_id = "drinks"
x_mm = [0, 150]
sku = "oat-milk"
capacity = 4
opening_count = 3

[[lanes]]
lane_id = "A2"
shelf_id = "drinks"
x_mm = [150, 300]
sku = "cola-can"
capacity = 8
opening_count = 8

[[lanes]]
lane_id = "A3"
shelf_id = "drinks"
x_mm = [300, 450]
sku = "lime-can"
capacity = 8

[[lanes]]
lane_id = "B1"
shelf_id = "snacks"
x_mm = [0, 300]
sku = "crisps"
capacity = 10
opening_count = 6

[[lanes]]
lane_id = "B2"
shelf_id = "snacks"
x_mm = [300, 600]
sku = "nuts"
capacity = 10
opening_count = 6
""",
    "catalogue.toml": """
revision = 5

[[items]]
sku = "oat-milk"
gtin = "4006381333931"
name = "Oat milk 1 l"
unit_weight_g = 1045
unit_sigma_g = 3.5

[[items]]
sku = "cola-can"
gtin = "5000112637922"
name = "Cola 330 ml"
unit_weight_g = 351
unit_sigma_g = 1.5

[[items]]
sku = "lime-can"
gtin = "96385074"
name = "Lime 330 ml"
unit_weight_g = 352
unit_sigma_g = 1.5

[[items]]
sku = "crisps"
gtin = "036000291452"
name = "Crisps 40 g"
unit_weight_g = 45
unit_sigma_g = 0.9

[[items]]
sku = "nuts"
gtin = "10614141000415"
name = "Nuts 90 g"
unit_weight_g = 91
unit_sigma_g = 1.2
""",
    f"calibration/{LANES_BOARD}.toml": f"""
board_uid = "{LANES_BOARD}"
revision = 2
calibrated_by = "M. Ortega"
calibrated_at = "2026-11-02T10:30:00Z"
channels = [
  {{ index = 0, zero_counts = 8421, counts_per_g = 429.5, noise_g = 0.2 }},
  {{ index = 1, zero_counts = -3310, counts_per_g = -428.9 }},
  {{ index = 2, zero_counts = 120, counts_per_g = 430.2 }},
]
""",
    f"calibration/{PLATFORM_BOARD}.toml": f"""
board_uid = "{PLATFORM_BOARD}"
revision = 1
channels = [
  {{ index = 0, zero_counts = 0, counts_per_g = 107.4 }},
  {{ index = 1, zero_counts = 0, counts_per_g = 107.4 }},
  {{ index = 2, zero_counts = 0, counts_per_g = 107.4 }},
  {{ index = 3, zero_counts = 0, counts_per_g = 107.4 }},
]
""",
}


@pytest.fixture
def unit_files(tmp_path: Path) -> Path:
    """A unit's configuration directory: one lane-cell shelf, one platform, consistent with itself."""
    folder = tmp_path / "config"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
