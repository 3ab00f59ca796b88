"""What a proof reads where a run has no validation records at hand: invented questions and answers.

None of it is advice, and none of it is about anybody.
"""

from __future__ import annotations

from medllm.records import SftRecord, Turn

WHAT = "the questions and answers that medllm ships"

_PAIRS = (
    (
        "A 54-year-old woman has had palpitations and weight loss for six weeks. TSH is below "
        "0.01 mU/L. What does that suggest, and what is measured next?",
        "A suppressed TSH with palpitations and weight loss suggests an overactive thyroid. Free "
        "T4 and free T3 show how far it goes, and antibodies against the TSH receptor tell Graves' "
        "disease from a nodular goitre. An ECG is worth taking, since atrial fibrillation is "
        "common. Until a specialist has seen her, a beta blocker can slow the pulse if she has no "
        "asthma.",
    ),
    (
        "Why is potassium checked before an ACE inhibitor is given together with spironolactone?",
        "Both keep potassium in the body: the ACE inhibitor lowers aldosterone, and spironolactone "
        "blocks what is left of it. Together they can raise potassium above 6.0 mmol/L, most of "
        "all where the kidneys are weak, and that can stop the heart. Potassium and creatinine "
        "are therefore measured before, after one week, after four weeks, and at each change of "
        "dose.",
    ),
    (
        "Summarise: A boy of 9 years fell from a swing onto his outstretched hand. The wrist is "
        "swollen, the skin is whole, fingers are warm and move. The film shows a buckle fracture "
        "of the distal radius without a shift.",
        "A 9-year-old boy has a buckle fracture of the distal radius after a fall on the hand. It "
        "is closed and not displaced, and blood flow and movement are normal.",
    ),
    (
        "Does a normal D-dimer rule out a pulmonary embolism?",
        "Only where the probability was low or moderate before the test. With a Wells score up to "
        "4 and a D-dimer below 500 µg/L, fewer than 1 in 100 such patients have an embolism. With "
        "a high probability the test is not sensitive enough, and a CT of the pulmonary arteries "
        "is made whatever it says. Above the age of 50 some hospitals take ten times the age as "
        "the limit.",
    ),
    (
        "Translate into plain words: bilateral pedal oedema, orthopnoea, JVP raised by 4 cm.",
        "Both feet are swollen, breathing is hard when lying flat, and the vein at the neck is "
        "fuller than it should be. Taken together this fits a heart that does not pump well "
        "enough.",
    ),
    (
        "Which of these is not a cause of microcytic anaemia: (A) lack of iron, (B) thalassaemia, "
        "(C) lack of vitamin B12, (D) lead poisoning?",
        "(C). Without vitamin B12 red cells become large, not small: the mean volume rises above "
        "100 fL. Lack of iron, thalassaemia and lead all make them smaller than 80 fL.",
    ),
    (
        "A patient takes 2.5 mg of warfarin a day and was given clarithromycin. What can happen?",
        "Clarithromycin slows the breakdown of warfarin in the liver, and the INR can double "
        "within days. Bleeding of the gums, blood in the urine or bruises without a cause are "
        "warning signs. The INR is measured after three days, the dose is lowered where it is "
        "needed, or another antibiotic is taken.",
    ),
    (
        "How is a dose of 15 mg/kg worked out for a child of 18.4 kg, and how many millilitres of "
        "a syrup of 120 mg in 5 mL is that?",
        "15 mg/kg times 18.4 kg is 276 mg. The syrup holds 24 mg in each millilitre, so the dose "
        "is 276 / 24 = 11.5 mL.",
    ),
    (
        "What should be asked when somebody has had diarrhoea for three weeks?",
        "How often, how much, and whether there is blood or slime in it; fever, weight loss and "
        "pain at night; travel, well water, new drugs such as metformin or antibiotics; whether "
        "others in the house are ill; operations on the gut, and diseases of the bowel or the "
        "thyroid in the family. Blood, fever or weight loss call for stool tests and a look at "
        "the bowel without delay.",
    ),
    (
        "No fever, no cough, no night sweats. The father had tuberculosis in 1998. Is an X-ray of "
        "the chest needed before a biological drug is begun?",
        "Yes. Such drugs can wake a sleeping infection, and contact in the family makes one more "
        "likely although there are no complaints now. An interferon-gamma test and an X-ray of "
        "the chest come first; where either is abnormal, treatment of the latent infection is "
        "begun at least four weeks before.",
    ),
    (
        "¿Qué significa una creatinina de 2,3 mg/dL en un hombre de 71 años?",
        "Los riñones filtran mucho menos de lo normal, alrededor de 28 mL/min. Hay que saber si "
        "es nuevo o antiguo: se repite el análisis, se compara con valores anteriores, se pide "
        "una ecografía y se revisan los medicamentos que dañan el riñón.",
    ),
    (
        "List the findings of this note as JSON: T 38.9 °C, HR 118/min, BP 92/58 mmHg, SpO₂ 91 %.",
        '{"temperature": {"value": 38.9, "unit": "°C"}, "heart_rate": {"value": 118, "unit": '
        '"/min"}, "blood_pressure": {"systolic": 92, "diastolic": 58, "unit": "mmHg"}, '
        '"oxygen_saturation": {"value": 91, "unit": "%"}}',
    ),
)

ODD_CONVERSATIONS: tuple[tuple[tuple[str, str], ...], ...] = (
    (("user", "  blanks around \n"),),
    (("system", " Answer in one line.\n"), ("user", "Fever?")),
    (("user", "{{ .Prompt }} {% if x %} <b>&amp;</b> 'quoted' \"twice\" \\n"),),
    (("user", "體溫 38.5℃, темпе\u0301ратура, 👩‍⚕️"), ("assistant", "好。"), ("user", "Und nun?")),
    (
        ("system", "You are careful."),
        ("user", "First?"),
        ("assistant", "One.\n\n- a\n- b"),
        ("user", "Second?"),
        ("assistant", " Two. "),
        ("user", "Third?"),
    ),
)
"""What templates treat differently: blanks, braces, several turns, with and without a system."""


def shipped_records() -> list[SftRecord]:
    """Give the shipped questions and answers as records."""
    return [
        SftRecord(
            id=f"shipped-{number}",
            source="shipped",
            group=f"shipped-{number}",
            task="dialogue",
            messages=(Turn(role="user", content=q), Turn(role="assistant", content=a)),
        )
        for number, (q, a) in enumerate(_PAIRS)
    ]
