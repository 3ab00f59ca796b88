"""Units of measurement and all the ways to write them."""

from __future__ import annotations

_UNITS = {
    "kg": "kg kilogram kilograms kilo kilos",
    "g": "g gram grams gramme grammes gm",
    "mg": "mg milligram milligrams milligramme mgs",
    "µg": "µg μg ug mcg microgram micrograms microgramme",
    "ng": "ng nanogram nanograms",
    "pg": "pg picogram picograms",
    "fl": "fl",
    "l": "l litre litres liter liters",
    "dl": "dl decilitre deciliter",
    "ml": "ml millilitre millilitres milliliter milliliters cc",
    "µl": "µl μl ul microlitre microliter",
    "mol": "mol",
    "mmol": "mmol millimol millimoles",
    "µmol": "µmol μmol umol micromol micromoles",
    "nmol": "nmol",
    "pmol": "pmol",
    "meq": "meq",
    "u": "u iu unit units miu",
    "mmhg": "mmhg",
    "kpa": "kpa",
    "km": "km",
    "m": "m metre metres meter meters",
    "cm": "cm centimetre centimetres centimeter centimeters",
    "mm": "mm millimetre millimetres millimeter millimeters",
    "µm": "µm μm um micron microns",
    "m2": "m2 m² sqm",
    "mm3": "mm3 mm³ cmm",
    "%": "% percent",
    "‰": "‰",
    "°c": "c °c ºc celsius centigrade",
    "°f": "°f ºf fahrenheit",
    "gy": "gy",
    "second": "s sec secs seconds",
    "minute": "min mins minute minutes",
    "hour": "h hr hrs hour hours hourly",
    "day": "d day days daily",
    "week": "wk wks w week weeks weekly",
    "month": "mo mos month months monthly",
    "year": "y yr yrs yo year years yearly annually",
    "trimester": "trimester",
    "fold": "fold",
    "times": "times",
}
_UNIT_OF = {form: unit for unit, forms in _UNITS.items() for form in forms.split()}
TIMES = frozenset("second minute hour day week month year".split())


def unit_of(word: str) -> str:
    """Give the one form of a unit that is written in lower case; "" for any other word."""
    return _UNIT_OF.get(word, "")
