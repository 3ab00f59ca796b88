"""Degrees and professional titles behind a name."""

from __future__ import annotations

from medllm.clinical.deidentify.text import Words

CREDENTIALS = frozenset(
    """md do rn np pa pac phd mbbs mbchb mb bch bchir bmbs frcp frcs frca frcr frcog frcpch mrcp
    mrcs mrcgp facs facp facc faap facog fasn dds dmd dc bds dpm od pharmd crna lcsw lpn lvn aprn
    arnp cnp fnp fnpc dnp cnm rd rdn pt dpt ot otr slp emt msn bsn msc mph mba ma ba bs bsc mscn jr
    sr iii esq ms mch dm dnb mrcog frcsc frcpc fracp fracs facrrm dch cns ccrn psyd lmft lpc licsw
    msw jp obe mbe mcsp rmn rgn srn cpnp pgy mrcpsych lmt mrpharms fy1 fy2 st1 st2 st3 st4 st5 st6
    st7 st8 gpst1 gpst2 gpst3 ct1 ct2 ct3 sho spr""".split()
)
_WEAK_CREDENTIALS = frozenset("do pa pt ot ms ma ba bs od dc dm rd mb st1 st2 st3 ct1 ct2".split())


def credential_at(words: Words, at: int) -> str:
    """Give "weak" or "strong" where a degree or a professional title stands at word `at`."""
    low, surface = words.lowers[at], words.surfaces[at]
    if (
        len(low) <= 2
        and words.gap(at) == "."
        and low + words.lowers[at + 1] in ("md", "do", "rn", "np", "phd", "pa", "mb", "mbbs")
    ):
        return "strong"
    if low not in CREDENTIALS or low in ("jr", "sr", "iii", "ma", "jp"):
        return ""
    if not (surface.isupper() or surface in ("PhD", "PharmD", "MSc", "BSc", "ChB", "PsyD")):
        return ""
    return "weak" if low in _WEAK_CREDENTIALS else "strong"
