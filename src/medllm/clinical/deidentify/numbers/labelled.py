"""Numbers that the words before them announce: "MRN 4711", "Policy no. AB-12"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from medllm.clinical.deidentify.text import Category, Found, Words

NUMBER_RANK = 5
_QUALIFIER = (
    r"(?:(?:[\s_.-]?(?:numbers?|nos?|num|(?:nbr|nr)(?=[\s.:#])|ids?|i\.d|identifier"
    r"|identification|code"
    r"|ref|reference|card|initials|key|record)\b\.?)|\s?(?:[#№]|n[°º]\.?)){1,3}"
)
_SEPARATOR = (
    r"(?:[\s\"']?(?:\b(?-i:is|was|of|ending|ends|in|with|checked|on\sfile|reads?|shows?|listed\sas|given\sas)\b"
    r"|[:=|(#\t/\"'–]|-(?=\s)|\.(?=[\s#])|\s{1,30}+)){0,6}"
)


class _Label(NamedTuple):
    """Words that announce an identifier: `strong` ones alone, `weak` ones with "number" or "#".

    A weak word without "number" announces only what no measurement looks like: `_is_telling`.
    """

    category: Category
    strong: str
    weak: str


_LABELS = (
    _Label(
        "ssn",
        r"ssn|ss#|ss(?=\s?(?:no|num|#))|social\ssec(?:urity)?|soc\.?\ssec\.?|nino|ppsn?|pps"
        r"|nin(?=\s?:)"
        r"|national\sinsurance|(?-i:NI)(?=\s(?:no|num))|(?-i:SIN)(?=\s?(?:on\sfile|no|num|:|#"
        r"|\d{3}[\s-]))"
        r"|itin|tfn",
        r"tin",
    ),
    _Label(
        "medical_record",
        r"mrns?|mr(?=\s?(?:#|no\b|num))|m\.r\.n\.?|csn|nhs|(?-i:CHI)(?=\s(?:no|num|\d{6}|:))|uhid"
        r"|urn|pid"
        r"|empi|mpi|hcn|emr(?=\s?(?:#|\d))|(?-i:UR)(?=\s(?:no|num|\d{5,}))|nhi|crn|umrn"
        r"|medical\srecords?|med\.?\srec\.?|patient\sidentifier|(?:coroner'?s|m\.?e\.?)\scase",
        r"hospital|hosp\.?|patient|pt|clinic|chart|case|encounter|visit|unit|record|file|folder"
        r"|account"
        r"|admission|registration|ipd?|opd?|episode|h&c|health\srecord|client|fin|har|stay|run"
        r"|regd?\.?|regn|sticker",
    ),
    _Label(
        "health_plan",
        r"mbi|hicn|medicare(?:\sbeneficiary)?|medicaid|dva|ohip|(?:rx\s)?bin(?=\s?:?\s\d{6})|ihi"
        r"|insurance\sid|member\sid|health\scard|pcn(?=\s?[:#])",
        r"member|subscriber|policy|group|grp|claims?|(?:health\s)?plan|insurance|health|beneficiary"
        r"|payer|payor|(?:prior\s)?auth(?:ori[sz]ation)?|enrollee|coverage|scheme|contract"
        r"|certificate",
    ),
    _Label(
        "account",
        r"acct\.?|accounts?|a/c|iban|sort\scode|sort(?=\s\d\d-\d\d-\d\d)|(?:credit|debit|bank)\scard|visa|mastercard|amex"
        r"|routing"
        r"|card(?=\s(?:no|num|ending|on\sfile))|bsb",
        r"billing|invoice|bill|bank|statement|receipt|guarantor|check|cheque|payment|transaction"
        r"|customer",
    ),
    _Label(
        "vehicle",
        r"vin|(?:licen[cs]e|number|registration)\splates?|plates?|vehicle(?:\s(?:registration|reg"
        r"|id))?"
        r"|(?:car\s)?reg(?:istration)?(?=[\s.:]{1,2}(?:no\.?\s)?[A-Z]{1,3}[\s-]?\d)|vrm|trailer"
        r"|chassis",
        r"car|truck|van|motorcycle|engine",
    ),
    _Label(
        "licence",
        r"npi|dea|gmc|nmc|gdc|hcpc|gphc|(?-i:IMC|MCI)|ahpra|cpso|upin|lic\.?(?=\s?#|\s?no|\s\d)"
        r"|dl(?=\s?#)|licen[cs]ed?"
        r"|pin(?=[\s:]{1,2}(?:no\.?\s?)?\d\d[A-Z])|certified(?=\s\d)|(?:driver'?s"
        r"|driving)\slicen[cs]e",
        r"provider|prescriber|cert|certificate(?:\sof\s\w+)?|certification|permit|registration|council"
        r"|clia",
    ),
    _Label(
        "device",
        r"s/n|sn(?=[\s:#=]{1,2}\w{0,4}\d)|serial|udi|imei|lot(?=[\s:#]{1,3}\w{0,4}\d|\s(?:no|num))|batch"
        r"|ref(?=\s\d{2,4}-\d{3})",
        r"device|implant|pump|monitor|lead|generator|stimulator|model|asset|pacemaker|icd|sensor"
        r"|meter|tag|asset\stag",
    ),
    _Label(
        "other",
        r"accession|aadhaar|badge|passport|prf|barcode|specimen|participant|inmate|user\s?name|login"
        r"|user\sid"
        r"|(?:guthrie|donor)\s(?:card|id)",
        r"id|path|pathology|cytology|ref|refs|reference|accession|specimen|study|trial|subject|participant|screening|rfid"
        r"|randomi[sz]ation|lab|sample|order|requisition|report|badge|prescription|rx|confirmation"
        r"|employee|staff|student|inmate|booking|passport|tax|ein|pan|voter|ticket|tracking|donor"
        r"|form"
        r"|unos|slide|block|incident|interpreter|docket|court|crime|request|referral|event|locker|pot|pots|bottle"
        r"|bed"
        r"|service|military|national|user|protocol|consent|site|message|document|doc|call|job|appt"
        r"|appointment|transcript|dictation|badge|room|wristband|band|log|serial|entry|file|reg"
        r"|roll|pin",
    ),
)
_USER = re.compile(r"(?:user\s?(?:name|id)?|login|handle)\b\s?[:=]?\s?", re.IGNORECASE)
_USER_NAME = re.compile(r"(?=[\w.-]{0,20}\d)[A-Za-z][\w.-]{2,24}\w\b")
_ASSIGNED = re.compile(r"(?=\S{0,24}[a-z])[A-Za-z][\w.-]{3,24}\b(?=[\s,;]|$)")
"""What a log writes behind "user=", figures or none."""
_VALUE = re.compile(
    r"[#(]?((?:\(\d{2}\))?[A-Za-z]{0,6}\d[A-Za-z0-9]{0,30}(?:[-./][A-Za-z0-9]{1,20}){0,6}"
    r"|[A-Z]{1,10}[-/.](?:[A-Z]{1,6}[-/.]){0,2}\d[A-Za-z0-9]{0,20}(?:[-./][A-Za-z0-9]{1,20}){0,4}"
    r"|[A-Z]{1,5}(?=\s\d))"
)
_MORE = re.compile(
    r"\s([A-Z]{0,4}\d[A-Z0-9]{0,11}(?:-[A-Z0-9]{1,6})?|[A-Z]{4}(?=\s\d{4}\b)"
    r"|[A-Z](?!\w|\.\w))(?![\w:/]|\.\d)"
)
_ENDS = re.compile(
    r"\s?(?:y\b|yo\b|y/o|years?|mg|m[lL]\b|cm|kg|mm|%|bpm|units?|[mf]\b|[ap]m\b|[AP]M\b|:\d)"
)
_MEASURE = re.compile(r"\d{1,4}(?:\.\d+)?(?:mm|cm|mg|kg|g|ml|mL|L)|\d+-(?:year|month|week|day)s?.*")
_RANGE = re.compile(
    r"\d+\.\d+[-–]\d+(?:\.\d+)?|(?!0\d)\d{1,4}-(?!0\d)\d{1,4}|\d{3,4}/\d{3,4}|\d+\.\d+"
)
"""Reference ranges, pairs of positions: "(ref 0.00-0.04)", "site 2063/2064"; not "ref 25/0671"."""
_PLATE_LETTERS = re.compile(r"\s[A-Z]{2,3}\b")
_DATE = re.compile(
    r"(?:\d{1,2}[./]){2}(?:\d{4}|\d{2})|(?:19|20)\d\d-\d\d-\d\d|\d{1,2}[./]\d{1,2}|(?:19|20)\d\d"
)
_GENES = re.compile(
    r"(?:N[MPCGRT]_|rs\d|ENS[TGP]|c\.|p\.|NCT\d|PMID|COVID|ICD|CPT|SNOMED|LOINC|RxNorm|PRJ|GSE"
    r"|GRC|hg\d)"
)
_LAST_FOUR = re.compile(
    r"last[\s-]?(?:4|four)\b(?:\s(?:digits|numbers))?(?:\s(?:of|on))?(?:\s(?:the|his|her|their|my|your))?\s?"
    r"(?:ssn|ss#|social(?:\ssecurity(?:\snumber)?)?|nino)?[\s)]{0,2}(?:is|[:=|]|are|were|was)?\s?([A-Z]?\d{4})\b"
    r"|(?:ssn|ss#|social(?:\ssecurity(?:\snumber)?)?)\s?(?:\(last\s(?:4|four)\)\s?[:=|]?\s?(?=\d)"
    r"|(?=ending|ends))(?:ending|ends)?(?:\s(?:in|with))?\s?:?\s?(\d{4})\b",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"[xX*•]{3}-?[xX*•]{2}-?(\d{4})\b")


def _compile(label: _Label) -> tuple[Category, re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    strong = rf"(?:{label.strong})(?![A-Za-z])(?:{_QUALIFIER})?{_SEPARATOR}"
    weak = rf"(?:{label.weak})(?![A-Za-z]){_QUALIFIER}{_SEPARATOR}"
    bare = rf"(?:{label.weak})(?![A-Za-z])\s?[:=|]?\s?"
    patterns = (re.compile(pattern, re.IGNORECASE) for pattern in (strong, weak, bare))
    return (label.category, *patterns)  # type: ignore[return-value]


_COMPILED = tuple(map(_compile, _LABELS))
_STARTS = frozenset(
    """mrns pot pots bottle run regn
    cert coroner coroner's coroners me path pathology cytology lic regd
    check cheque tag ssn ss social soc nino pps ppsn nin national ni sin itin tin tfn mrn mr m csn
    nhs chi uhid urn pid empi mpi hcn emr ur nhi crn umrn medical med hospital hosp patient pt
    clinic chart case encounter visit unit record file folder admission registration ip ipd op opd
    episode h health client fin har stay mbi hicn medicare medicaid dva ohip rx bin ihi insurance
    member subscriber policy group grp claim claims plan beneficiary pcn payer payor prior auth
    authorization authorisation enrollee coverage scheme contract acct account accounts a iban sort
    credit debit bank card visa mastercard amex routing bsb billing invoice bill statement receipt
    guarantor payment transaction customer vin license licence licensed licenced number plate plates
    vehicle car reg vrm trailer chassis truck van motorcycle engine npi dea gmc nmc gdc hcpc gphc
    imc mci ahpra cpso upin dl driver driver's drivers driving pin certified provider prescriber
    certificate certification permit council clia s sn serial udi imei lot batch device ref refs
    implant pump monitor lead generator stimulator model asset pacemaker icd sensor meter remote id
    reference accession aadhaar passport prf barcode specimen participant inmate donor guthrie study
    trial subject screening rfid randomisation randomization lab sample order requisition report
    badge prescription confirmation employee staff student booking tax ein pan voter ticket tracking
    form unos slide block incident interpreter docket court crime request referral event locker bed
    service military user username login protocol consent site message document doc call job appt
    appointment transcript dictation room wristband band log entry roll pin""".split()
)


def find_labelled_numbers(words: Words) -> Iterator[Found]:
    """Give the numbers that a label announces: "MRN 4711", "Policy no. AB-12", "s/n X123"."""
    text = words.text
    for at in words.where(_STARTS):
        found = _read_label(text, words.starts[at])
        if found:
            yield found
            yield from _listed_on(text, found)
    for at in words.where(("last", "ssn", "ss", "social")):
        match = _LAST_FOUR.match(text, words.starts[at])
        if match:
            group = 1 if match[1] else 2
            yield Found(*match.span(group), "ssn", NUMBER_RANK - 1, "id")
    for match in _HIDDEN.finditer(text):
        yield Found(*match.span(1), "ssn", NUMBER_RANK - 1, "id")


def _listed_on(text: str, found: Found) -> Iterator[Found]:
    """Give the further numbers of "MRNs 202972, 997528": figures only, and as many."""
    said = text[found.start : found.end]
    at = found.end
    while len(said) > 4 and (said.isdigit() or said.isalnum() and found.category == "other"):
        shape = re.sub("[A-Z]", "[A-Z]", re.sub(r"\d", r"\\d", said))
        more = re.compile(rf",?\s(?:and\s|&\s)?({shape})(?!\w)").match(text, at)
        if not more:
            return
        yield found._replace(start=more.start(1), end=more.end(1))
        at = more.end()


def _read_label(text: str, start: int) -> Found | None:
    """Give the number behind the label that begins at `start`, of the longest label that fits."""
    user = _USER.match(text, start)
    name = _USER_NAME.match(text, user.end()) if user else None
    if user and not name:
        name = _ASSIGNED.match(text, user.end())
        if name and user.group().rstrip()[-1] not in "=:" and "-" not in name.group():
            name = None
    if name:
        return Found(*name.span(), "other", NUMBER_RANK, "id")
    best: tuple[int, Category, int] | None = None
    for category, *patterns in _COMPILED:
        for strength, pattern in zip((2, 1, 0), patterns, strict=True):
            match = pattern.match(text, start)
            if match and (best is None or (match.end(), strength) > (best[0], best[2])):
                best = (match.end(), category, strength)
    if best is None:
        return None
    end, category, strength = best
    span = _read_value(text, end)
    if span is None or not _is_worth(text, span, category, strength):
        return None
    letters = _PLATE_LETTERS.match(text, span[1]) if category == "vehicle" else None
    return Found(span[0], letters.end() if letters else span[1], category, NUMBER_RANK, "id")


def _read_value(text: str, at: int) -> tuple[int, int] | None:
    """Give where the number behind a label begins and ends, its groups with spaces included."""
    match = _VALUE.match(text, at)
    if not match or _GENES.match(text, match.start(1)) or match[1].lower() in ("tin", "no"):
        return None
    start, end = match.span(1)
    for _ in range(8):
        more = _MORE.match(text, end)
        if not more or _ENDS.match(text, more.end()):
            break
        if end - start > 6 and more.end(1) - more.start(1) < 4 and " " not in text[start:end]:
            break
        end = more.end(1)
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return start, end


def _is_worth(text: str, span: tuple[int, int], category: Category, strength: int) -> bool:
    """Whether the value can be an identifier: not "case no. 3", not a year, not a dose."""
    value = text[slice(*span)]
    if _MEASURE.fullmatch(value) or (_ENDS.match(text, span[1]) and " " not in value):
        return False
    digits = sum(letter.isdigit() for letter in value)
    if strength == 0:
        return _is_telling(value, digits)
    coded = value.isalnum() and value.isupper() and not value.isdigit()
    if strength == 2 and len(value) == 5 and coded and digits >= 2:
        return True
    if len(value) >= 6 and value.isalnum() and not value.isdigit() and digits >= 2 and strength:
        return True
    if category == "vehicle" and digits and len(value) >= 5 and value.isalnum() and value.isupper():
        return True
    if digits < (2 if category == "vehicle" or (category == "other" and strength == 2) else 3):
        return False
    if category == "account" or not _DATE.fullmatch(value):
        return True
    return value.isdigit() and (strength == 2 or not 1900 <= int(value) <= 2035)


def _is_telling(value: str, digits: int) -> bool:
    """Whether a value needs no "number" before it: long, or letters or dashes among its figures."""
    if value.isdigit() and value[0] == "0" and digits >= 4:
        return True
    if _DATE.fullmatch(value) or (value.endswith("000") and digits < 7) or _RANGE.fullmatch(value):
        return False
    letters = sum(letter.isupper() for letter in value)
    if letters >= 2 and digits >= 3 and len(value) >= 6 and value.isalnum() and value.isupper():
        return True
    return digits >= 5 or (digits >= 4 and letters > 0 and len(value) >= 5 and letters < 7)
