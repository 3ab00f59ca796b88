"""What kind of word a word is: a body part, a describing word, a head noun of findings."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from medllm.clinical.tokens import canonical, word_set

ANATOMY, DESCRIPTOR, LATERALITY, SEVERITY, STRONG, WEAK, QUALITY, ADJECTIVE = (
    1 << n for n in range(8)
)
"""Classes as bits. STRONG heads are findings alone ("fracture"), WEAK ones only with something
that describes them ("ovarian mass"), QUALITY words with a body part ("swollen knee")."""

_CLASSES = {
    "anatomy": ANATOMY,
    "descriptor": DESCRIPTOR,
    "laterality": LATERALITY,
    "severity": SEVERITY,
    "strong": STRONG,
    "weak": WEAK,
    "quality": QUALITY,
}
_PATH = Path(__file__).parent / "words.tsv"
_DISORDER_SUFFIX = re.compile(
    r".{3,}(?:itis|oma|omatosis|iasis|emia|pathy|penia|cele|algia|dynia|plegia|paresis|rrhea"
    r"|megaly|malacia|ectasia|ectasis|lithiasis|sclerosis|stenosis|trophy|plasia|uria|ptysis"
    r"|osis|phobia|edema|schisis|ptosis|phagia|phasia|cytosis|rrhagia)$"
)
_MAX_LENGTH = 45
_NO_DISORDER = word_set(
    """diagnosis prognosis anastomosis mitosis meiosis apoptosis hypnosis osmosis symbiosis dosis
    metamorphosis stroma soma coma aroma diploma academia media centuria apathy empathy sympathy
    homeopathy osteopathy telepathy naturopathy allopathy prosthesis phagocytosis endocytosis
    exocytosis pinocytosis glycemia euglycemia normoglycemia hemostasis normocalcemia
    normokalemia antisepsis asepsis arthroplasia bitoma hostoma glucosis diastasis"""
)
_ADJECTIVE_SUFFIX = re.compile(r".{4,}(?:al|ic|oid|ous|ar|iform|genic|ary)$")
_ANATOMY_ADJECTIVE = re.compile(r".{2,}(?:al|ic|ous|ar|ary|oid|ine)$")
_NO_DESCRIPTOR = word_set(
    """reveal medical clinical physical surgical historical typical serial initial additional usual
    special regular similar previous various serious obvious public academic extensive necessary
    ordinary temporary general normal several final total original actual personal social legal
    official national international rural hospital interval principal material individual
    eventual gradual manual trial proposal removal arrival survival withdrawal referral approval
    animal arsenal potential essential substantial optimal minimal maximal radiological
    radiologic histological histologic diagnostic therapeutic prophylactic antibiotic topic
    basic specific scientific electronic automatic continuous simultaneous numerous famous
    curious anxious conscious particular popular military salary library summary january
    february elementary contrary voluntary complementary subsidiary unusual unremarkable
    paternal maternal parental marital nutritional occupational educational behavioral
    conventional traditional professional statistical empirical empiric economic dramatic
    drastic domestic plastic elastic fantastic synthetic cytotoxic analgesic anesthetic diuretic
    emetic antiemetic ultrasonic ultrasonographic electrocardiographic echocardiographic
    tomographic angiographic endoscopic laparoscopic preoperative intravenous oral rectal
    medicinal classic oncological cardiological dermatological gynecological obstetrical
    obstetric pediatric ophthalmological psychiatric orthopedic geriatric serologic serological
    microbiological immunological biological hematological biochemical immunohistochemical
    molecular cellular cytological virological radiographic sonographic scintigraphic
    dermoscopic clinicopathological paraclinical conclusive caucasian asian african
    pharmacological pharmacologic electrical magnetic computerized tertiary characteristic
    caloric dietary urgent rapid logical identical critical radical vertical horizontal
    technical practical theoretical ethical chemical hypothetical mathematical historic
    strategic metric generic ethnic aerobic parametric"""
)


@lru_cache(maxsize=1)
def _listed() -> dict[str, int]:
    listed: dict[str, int] = {}
    for line in _PATH.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            word, classes = line.split("\t")
            key = canonical(word)
            bits = listed.get(key, 0)
            for name in classes.split():
                bits |= _CLASSES[name]
            if bits & ANATOMY and _ANATOMY_ADJECTIVE.fullmatch(word):
                bits |= ADJECTIVE
            listed[key] = bits
    return listed


class WordClasses(dict[str, int]):
    """Canonical word -> its classes as bits; looked up or told from the suffix once."""

    def __missing__(self, word: str) -> int:
        """Give the classes of a word seen for the first time."""
        if len(self) > 200_000:
            self.clear()
        self[word] = bits = _listed().get(word) or _from_suffix(word)
        return bits


def _from_suffix(word: str) -> int:
    if not 6 <= len(word) <= _MAX_LENGTH or not word.isalpha():
        return 0
    if _DISORDER_SUFFIX.fullmatch(word) and word not in _NO_DISORDER:
        return STRONG
    if _ADJECTIVE_SUFFIX.fullmatch(word) and word not in _NO_DESCRIPTOR:
        return DESCRIPTOR | ADJECTIVE
    return 0
