"""Words that say what sort of house an institution is, and so name none."""

from __future__ import annotations

HEADS = frozenset(
    """supply station hotel inn resort motel hospital hospitals infirmary clinic centre center home
    homes hospice school college university academy nursery church prison jail manor lodge practice
    surgery institute cathedral temple court mosque synagogue shelter village kindergarten creche
    sanatorium polyclinic barracks memorial house general regional rehab pharmacy medical hostel
    abbey convent ems fire police snf ltac elem laboratory facility group preschool elementary
    living primary care daycare pavilion""".split()
)
NEEDS_BEFORE = {
    "supply": frozenset("medical home".split()),
    "station": frozenset("police fire bus train railway".split()),
    "centre": frozenset("medical health care cancer heart leisure community trauma day".split()),
    "center": frozenset(
        "medical health care cancer heart rehabilitation rehab nursing trauma surgery community"
        " senior correctional detention treatment recovery living dialysis imaging surgical "
        "wellness"
        " birth birthing"
        " endoscopy hospice oncology eye infusion kidney renal diagnostic".split()
    ),
    "home": frozenset("nursing care residential rest retirement funeral group".split()),
    "homes": frozenset("nursing care residential".split()),
    "village": frozenset("retirement care".split()),
    "facility": frozenset(
        "correctional nursing care rehab rehabilitation treatment living".split()
    ),
    "group": frozenset(
        "medical orthopedic orthopaedic surgical dental cardiology physicians".split()
    ),
    "house": frozenset("care nursing halfway".split()),
    "living": frozenset("assisted senior independent supported".split()),
    "care": frozenset("dental primary urgent home hospice memory day acute palliative".split()),
    "court": frozenset("care nursing".split()),
}
PRACTICES = frozenset(
    """pediatrics paediatrics radiology cardiology orthopedics orthopaedics dermatology oncology
    urology medicine associates specialists physicians imaging dental dialysis optometry eyecare
    physiotherapy chiropractic orthodontics veterinary wellness ambulance sports rugby fc rfc ymca
    hauora alf snf""".split()
)
"""Of American group practices: "Primrose Pediatrics", "Ottumwa Family Medicine"."""
GENERIC = frozenset(
    """general district regional memorial community university medical health care nursing
    residential rest retirement dental primary elementary high middle secondary grammar infant
    junior senior nursery state city county national central teaching private public children's
    childrens children women's womens maternity military veterans baptist methodist catholic
    presbyterian lutheran anglican episcopal cancer heart eye ear trauma psychiatric mental
    rehabilitation rehab surgical orthopaedic orthopedic the and of for medicine sciences science
    college school hospital clinic centre center foundation nhs trust group family veterinary
    referral tertiary community-based standards laboratory department departments institutional
    ethics committee board faculty unit division local our this that another outside same affiliated
    emergency outpatient inpatient day field government municipal provincial federal metropolitan
    cottage base specialist academic funeral sixth form first second third research institute
    preparatory prep comprehensive international correctional detention treatment recovery leisure
    urgent walk-in convalescent hospice assisted living long-term rural your his her my their a an
    retail independent union united free""".split()
)
