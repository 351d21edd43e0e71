"""Wares: the forty products that the sandbox business sells. Money in cents."""

from typing import Final, NamedTuple


class Ware(NamedTuple):
    """A product: what it costs, its usual price, and how well it sells."""

    sku: str
    title: str
    cost_cents: int
    price_cents: int
    popularity: int


WARES: Final = (
    Ware("BTY-01", "Vitamin C serum", 640, 1_990, 22),
    Ware("BTY-02", "Overnight lip mask", 390, 1_290, 26),
    Ware("BTY-03", "Cushion foundation", 1_050, 2_890, 15),
    Ware("BTY-04", "Jade roller set", 480, 1_590, 12),
    Ware("BTY-05", "Hair repair oil", 720, 2_190, 17),
    Ware("BTY-06", "Sunscreen SPF 50", 560, 1_690, 24),
    Ware("BTY-07", "Sheet masks, pack of 10", 510, 1_490, 28),
    Ware("BTY-08", "Ionic hair dryer", 5_200, 9_900, 5),
    Ware("FSH-01", "Oversized denim jacket", 2_450, 5_900, 9),
    Ware("FSH-02", "Ribbed lounge set", 1_640, 3_990, 14),
    Ware("FSH-03", "Platform sneakers", 3_100, 6_900, 10),
    Ware("FSH-04", "Silk scarf", 1_180, 2_990, 8),
    Ware("FSH-05", "Crossbody bag", 1_720, 4_490, 12),
    Ware("FSH-06", "Bucket hat", 430, 1_490, 16),
    Ware("FSH-07", "Cashmere sweater", 5_900, 12_900, 4),
    Ware("FSH-08", "Leather ankle boots", 6_400, 13_900, 3),
    Ware("HOM-01", "Scented soy candle", 410, 1_390, 25),
    Ware("HOM-02", "Cotton throw blanket", 1_260, 3_290, 11),
    Ware("HOM-03", "Ceramic mug, set of 4", 980, 2_490, 13),
    Ware("HOM-04", "Cast-iron skillet", 1_890, 3_990, 8),
    Ware("HOM-05", "Air fryer", 5_600, 10_900, 6),
    Ware("HOM-06", "Knife set", 3_300, 6_990, 7),
    Ware("HOM-07", "Robot vacuum", 27_500, 54_900, 2),
    Ware("HOM-08", "Espresso machine", 34_000, 64_900, 2),
    Ware("TEC-01", "Ring light", 1_150, 2_790, 13),
    Ware("TEC-02", "Wireless earbuds", 2_050, 4_990, 18),
    Ware("TEC-03", "Phone gimbal", 3_700, 7_900, 6),
    Ware("TEC-04", "Portable projector", 9_800, 18_900, 3),
    Ware("TEC-05", "Smart watch", 7_400, 14_900, 5),
    Ware("TEC-06", "Tablet, 11 inch", 29_800, 52_900, 2),
    Ware("TEC-07", "Power bank", 890, 2_490, 20),
    Ware("TEC-08", "Mirrorless camera kit", 52_000, 89_900, 1),
    Ware("FIT-01", "Yoga mat", 920, 2_590, 14),
    Ware("FIT-02", "Resistance bands", 360, 1_290, 21),
    Ware("FIT-03", "Adjustable dumbbells", 8_900, 17_900, 3),
    Ware("FIT-04", "Insulated bottle", 640, 1_990, 23),
    Ware("FUD-01", "Matcha starter kit", 870, 2_490, 15),
    Ware("FUD-02", "Chili crisp, pack of 3", 620, 1_890, 19),
    Ware("FUD-03", "Single-origin coffee, 1 kg", 1_080, 2_690, 16),
    Ware("FUD-04", "Chocolate advent box", 1_240, 3_190, 7),
)
