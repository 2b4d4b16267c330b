"""What a mutation does to the protein: the classes in which selection is tested."""

from __future__ import annotations

import numpy as np
import pandas as pd

from presage.tumor.readers.columns import of_category

#: The classes of an effect. `noncoding` is outside the coding sequence; `other` is known and not counted anywhere.
EFFECTS = ("silent", "missense", "truncating", "indel", "noncoding")

_CLASS_OF = {
    "silent": "silent",
    "synonymous": "silent",
    "synonymous_variant": "silent",
    "missense_mutation": "missense",
    "missense": "missense",
    "missense_variant": "missense",
    "nonsense_mutation": "truncating",
    "nonsense": "truncating",
    "stop_gained": "truncating",
    "splice_site": "truncating",
    "splice_site_snp": "truncating",
    "splice_acceptor_variant": "truncating",
    "splice_donor_variant": "truncating",
    "nonstop_mutation": "truncating",
    "stop_lost": "truncating",
    "translation_start_site": "truncating",
    "start_codon_snp": "truncating",
    "start_lost": "truncating",
    "frame_shift_del": "indel",
    "frame_shift_ins": "indel",
    "frameshift_variant": "indel",
    "in_frame_del": "indel",
    "in_frame_ins": "indel",
    "inframe_deletion": "indel",
    "inframe_insertion": "indel",
    "splice_site_ins": "indel",
    "splice_site_del": "indel",
    "start_codon_ins": "indel",
    "start_codon_del": "indel",
    "stop_codon_ins": "indel",
    "stop_codon_del": "indel",
    **dict.fromkeys(
        (
            "3'utr", "5'utr", "3'flank", "5'flank", "intron", "rna", "lincrna", "igr", "splice_region",
            "targeted_region", "intergenic_region", "de_novo_start_outofframe", "de_novo_start_inframe",
        ),
        "noncoding",
    ),
}  # fmt: skip
_LENGTHENS = ("INS", "DEL")


def classes(effect: pd.Series, variant_type: pd.Series | None) -> pd.Series:
    """The class of every mutation.

    A splice-site change that inserts or deletes bases is an indel, because it arises as one; single-base changes of a
    splice site, the start and the stop codon go with the nonsense changes.

    Parameters
    ----------
    effect
        Variant classifications as the file has them.
    variant_type
        SNP, DNP, INS, DEL ... where the file has it.

    Returns
    -------
    pandas.Series
        Categorical with the categories :data:`EFFECTS`; missing where the classification is not known.
    """
    names = effect.astype("category")
    place = {name: number for number, name in enumerate(EFFECTS)}
    of = [place.get(_CLASS_OF.get(str(name).strip().lower(), ""), -1) for name in names.cat.categories]
    found = of_category(names, of, -1)
    if variant_type is not None:
        types = variant_type.astype("category")
        indel = of_category(types, [name in _LENGTHENS for name in types.cat.categories], False)
        found = np.where(indel & (found == place["truncating"]), place["indel"], found)
    return pd.Series(pd.Categorical.from_codes(found, categories=pd.Index(EFFECTS)), index=effect.index)  # type: ignore[arg-type]


def unknown(effect: pd.Series) -> list[str]:
    """The classifications that are not known, in the order of the alphabet."""
    names = effect.astype("category").cat.remove_unused_categories().cat.categories
    return sorted(str(name) for name in names if str(name).strip().lower() not in _CLASS_OF)


def codon(protein_change: pd.Series) -> pd.Series:
    """The first residue that a protein change names (`p.R132H` -> 132), NaN where it names none.

    Parameters
    ----------
    protein_change
        Changes in one- or three-letter notation, with or without `p.`.
    """
    import pyarrow as pa
    from pyarrow import compute

    names = protein_change.astype("category")
    texts = pa.array(names.cat.categories.astype(str), type=pa.string())
    digits = compute.struct_field(compute.extract_regex(texts, pattern=r"^[^0-9]*(?P<first>[0-9]{1,9})"), "first")
    numbers = np.asarray(compute.cast(digits, pa.float64()).to_numpy(zero_copy_only=False), dtype=float)
    # One past the end for the missing, whose code is -1.
    return pd.Series(np.append(numbers, np.nan)[names.cat.codes.to_numpy()], index=protein_change.index)
