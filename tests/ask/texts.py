"""The invented texts of the answers in `answers.py`: one note, four patients, three articles."""

from __future__ import annotations

from typing import Any

NOTE = """\
HISTORY
A 58-year-old woman comes with three days of fever, breathlessness and pleuritic chest pain on \
the right. She has had a dry cough since Monday. No haemoptysis, no leg swelling. She \
denies night sweats.

Past history: appendicectomy in childhood; deep vein thrombosis eight years ago, resolved. \
Allergic to penicillin. Her mother had breast cancer and her brother has asthma. \
Takes levothyroxine 75 micrograms daily. Possible recent exposure to a sick parrot.

EXAMINATION
T 38.9 °C, pulse 118/min, BP 104/62 mmHg, respiratory rate 26/min, SpO2 89 % on room air. \
Crackles at the right base. No oedema.

RESULTS
CRP 214 mg/L, white cells 3.1 x10^9/L, sodium 128 mmol/L, lactate 1.4 mmol/L. \
Chest X-ray: consolidation of the right lower lobe, possible small effusion. If pulmonary embolism \
is suspected, CT angiography is planned.
"""

FINDINGS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("58-year-old", "age", "age", {"value": 58.0, "unit": "years"}),
    ("woman", "sex", "female", {}),
    ("fever", "symptom", "fever", {}),
    ("breathlessness", "symptom", "dyspnoea", {}),
    ("pleuritic chest pain on the right", "symptom", "pleuritic chest pain", {}),
    ("chest pain", "symptom", "chest pain", {}),
    ("dry cough", "symptom", "dry cough", {}),
    ("haemoptysis", "symptom", "haemoptysis", {"negated": True}),
    ("leg swelling", "symptom", "leg swelling", {"negated": True}),
    ("night sweats", "symptom", "night sweats", {"negated": True}),
    ("appendicectomy", "procedure", "appendicectomy", {"temporality": "past"}),
    ("deep vein thrombosis", "disorder", "deep vein thrombosis", {"temporality": "resolved"}),
    ("Allergic to penicillin", "allergy", "penicillin allergy", {}),
    ("breast cancer", "disorder", "breast cancer", {"experiencer": "family"}),
    ("asthma", "disorder", "asthma", {"experiencer": "family"}),
    ("levothyroxine 75 micrograms", "medication", "levothyroxine", {}),
    ("exposure to a sick parrot", "social", "bird exposure", {"certainty": "uncertain"}),
    ("T 38.9 °C", "vital", "body temperature", {"value": 38.9, "unit": "°C", "flag": "high"}),
    ("pulse 118/min", "vital", "heart rate", {"value": 118.0, "unit": "/min", "flag": "high"}),
    ("BP 104/62 mmHg", "vital", "systolic pressure", {"value": 104.0, "unit": "mmHg"}),
    (
        "respiratory rate 26/min",
        "vital",
        "respiratory rate",
        {"value": 26.0, "unit": "/min", "flag": "high"},
    ),
    ("SpO2 89 %", "vital", "oxygen saturation", {"value": 89.0, "unit": "%", "flag": "low"}),
    ("Crackles at the right base", "symptom", "crackles", {"site": "right base"}),
    ("oedema", "symptom", "oedema", {"negated": True}),
    (
        "CRP 214 mg/L",
        "result",
        "C-reactive protein",
        {"value": 214.0, "unit": "mg/L", "flag": "high"},
    ),
    (
        "white cells 3.1 x10^9/L",
        "result",
        "white cell count",
        {"value": 3.1, "unit": "x10^9/L", "flag": "low"},
    ),
    ("sodium 128 mmol/L", "result", "sodium", {"value": 128.0, "unit": "mmol/L", "flag": "low"}),
    ("lactate 1.4 mmol/L", "result", "lactate", {"value": 1.4, "unit": "mmol/L"}),
    ("consolidation", "disorder", "consolidation", {"site": "right lower lobe"}),
    ("effusion", "disorder", "pleural effusion", {"certainty": "uncertain"}),
    ("pulmonary embolism", "disorder", "pulmonary embolism", {"temporality": "hypothetical"}),
]


PATIENTS: list[Any] = [
    (
        "invented-0412",
        "Severe pneumonia after a holiday with parrots",
        "A 61-year-old woman was admitted with fever, dry cough and dyspnoea for four days. She "
        "kept two parrots, one of which had died a week before. On arrival her temperature was "
        "39.4 °C and oxygen saturation was 87 % on room air. The chest radiograph showed "
        "consolidation of the right lower lobe. Sodium was 126 mmol/L and C-reactive protein 240"
        " mg/L. Polymerase chain reaction of sputum was positive for Chlamydia psittaci. She was"
        " treated with doxycycline 100 mg twice daily for 14 days and needed high-flow oxygen "
        "for three days. She left hospital on day 9 and was well at six weeks.",
        {"sex": "F", "age_years": 61.0, "year": 2021, "licence": "CC BY 4.0"},
        ("fever", "dry cough", "dyspnoea", "consolidation", "parrots", "sodium"),
    ),
    (
        "invented-0077",
        "",
        "A 55-year-old man presented with pleuritic chest pain and breathlessness. There was no "
        "fever. CT angiography showed a segmental pulmonary embolism of the right lower lobe "
        "with a wedge of consolidation. He had had deep vein thrombosis ten years earlier. He "
        "was given apixaban and the pain settled within a week.",
        {"sex": "M", "age_years": 55.0, "year": 2018, "licence": "CC BY-NC 4.0"},
        ("pleuritic chest pain", "breathlessness", "consolidation", "deep vein thrombosis"),
    ),
    (
        "invented-0933",
        "Legionnaires' disease with hyponatraemia: a case report from a spa town in the mountains",
        "A 49-year-old woman had fever, confusion and diarrhoea after a stay at a spa. Sodium "
        "was 121 mmol/L. Legionella urinary antigen was positive. She received levofloxacin 750 "
        "mg daily for 10 days and recovered fully.",
        {"sex": "F", "age_years": 49.0, "year": 2016, "licence": "CC BY 4.0"},
        ("fever", "sodium"),
    ),
    (
        "invented-1300",
        "Whooping cough in an infant",
        "A 5-month-old girl had paroxysms of cough with apnoea for a week. White cells were 31 "
        "x10^9/L. She was treated with azithromycin and went home after six days.",
        {"sex": "F", "age_years": 0.42, "year": None, "licence": ""},
        ("cough", "white cells"),
    ),
]

ARTICLES: list[Any] = [
    (
        "invented-a1",
        "Clinical clues to atypical pneumonia: an invented review",
        "Hyponatraemia, a normal or low white cell count and a dry cough point towards atypical "
        "pathogens. In 212 patients with psittacosis, 38 % had a sodium below 130 mmol/L. "
        "Exposure to birds was reported by 71 % of them. Doxycycline was the treatment in most "
        "series. Beta-lactams were not effective.",
        {
            "year": 2022,
            "licence": "CC BY 4.0",
            "publication_types": ("Journal Article", "Review"),
            "url": "https://journal.example/articles/a1",
            "source": "Journal of Invented Medicine",
        },
        ("dry cough", "white cell count", "sodium", "pneumonia"),
    ),
    (
        "invented-a2",
        "High-dose vitamin C cures pneumonia",
        "All 40 patients recovered within two days after 20 g of vitamin C.",
        {
            "year": 2014,
            "retracted": True,
            "licence": "all rights reserved",
            "publication_types": ("Retracted Publication",),
            "url": "https://letters.example/a2",
            "source": "Invented Letters",
        },
        ("pneumonia",),
    ),
    (
        "invented-a3",
        "When to look for embolism in patients with lower lobe consolidation",
        "Among 96 patients with pleuritic pain and consolidation, pulmonary embolism was found "
        "in 11. Previous deep vein thrombosis tripled the odds. Fever did not exclude embolism.",
        {
            "year": 2019,
            "licence": "CC BY 4.0",
            "url": "ftp://archive.example/a3",
            "source": "Annals of Imaginary Radiology",
        },
        ("pleuritic", "consolidation", "embolism"),
    ),
]
