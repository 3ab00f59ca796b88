"""Telephone, e-mail, net addresses, and numbers by their label or their form; results stay."""

from __future__ import annotations

import pytest

from medllm.clinical.deidentify.deidentifier import find_identifiers


@pytest.mark.parametrize(
    ("text", "category", "said"),
    [
        ("Call (617) 555-0123 after 5.", "phone", "(617) 555-0123"),
        ("Mobile 07700 900123", "phone", "07700 900123"),
        ("ring him (07700 900123) today", "phone", "07700 900123"),
        ("Tel: +33 1 42 68 53 00", "phone", "+33 1 42 68 53 00"),
        ("pager 4417", "phone", "4417"),
        ("Fax: 617.555.0199", "fax", "617.555.0199"),
        ("faxed to 0161 496 0000", "fax", "0161 496 0000"),
        ("write to m.roe@example.com", "email", "m.roe@example.com"),
        ("SSN 123-45-6789", "ssn", "123-45-6789"),
        ("NI number AB 12 34 56 C", "ssn", "AB 12 34 56 C"),
        ("MRN: 00412345", "medical_record", "00412345"),
        ("Hosp no. K204417", "medical_record", "K204417"),
        ("NHS number 943 476 5919", "medical_record", "943 476 5919"),
        ("Medicare 1EG4-TE5-MK72", "health_plan", "1EG4-TE5-MK72"),
        ("Policy number BX-4471902", "health_plan", "BX-4471902"),
        ("Account number 40017726", "account", "40017726"),
        ("IBAN DE89 3704 0044 0532 0130 00", "account", "DE89 3704 0044 0532 0130 00"),
        ("DEA number AB1234563", "licence", "AB1234563"),
        ("driver's license S4471-2290", "licence", "S4471-2290"),
        ("VIN 1HGCM82633A004352", "vehicle", "1HGCM82633A004352"),
        ("license plate KTB 4471", "vehicle", "KTB 4471"),
        ("pacemaker serial no. PJN440172H", "device", "PJN440172H"),
        ("see https://portal.example.com/p/17", "url", "https://portal.example.com/p/17"),
        ("at www.roe-clinic.org", "url", "www.roe-clinic.org"),
        ("from 192.0.2.17", "ip", "192.0.2.17"),
        ("from 2001:db8:0:1:1:1:1:1", "ip", "2001:db8:0:1:1:1:1:1"),
        ("Fingerprints on file.", "biometric", "Fingerprints on file"),
        ("opened by voiceprint VP-20417", "biometric", "voiceprint VP-20417"),
        ("Full-face photograph attached.", "photo", "Full-face photograph"),
        ("see IMG_4417.jpg", "photo", "IMG_4417.jpg"),
        ("Accession number 24-CY-00417", "other", "24-CY-00417"),
        ("blood bag number B2840 06 528222", "other", "B2840 06 528222"),
    ],
)  # fmt: skip
def test_each_kind_of_number_is_found_whole(text: str, category: str, said: str) -> None:
    (found,) = find_identifiers(text)
    assert (found.category, found.text) == (category, said)


@pytest.mark.parametrize(
    "text",
    [
        "Na 138 mmol/L, K 4.1, WBC 6.7 x10^9/L, platelets 250000.",
        "BRCA2 c.5946delT, HLA-B27, CD34, Ki-67 30 %, CA-125 35 U/mL.",
        "ICD-10 E11.9, CPT 99213, NCT01234567, PMID 12345678.",
        "Insulin 100 units/mL; heparin 5000 units; 1:100,000 adrenaline.",
        "Fundus photographs, clinical photograph of the ulcer, retinal detachment, iris atrophy.",
        "Version 4.2.1; ratio 3:1; ref range 0.40-4.50; case no. 3; fig. 12.",
        "Reference ranges: 135-145; titre 1:640; 12 x 15 mm.",
    ],
)
def test_results_codes_and_doses_stay(text: str) -> None:
    assert find_identifiers(text) == []
