"""The header lines of the tables in docs/measured.md that hang on the models."""

WHO = "| fault | ours int8 | ours fp32 | YuNet + MobileFaceNet |"
NEVER = "| fault | ours: accuracy / TAR | YuNet + MobileFaceNet | pictures without a face, ours / YuNet |"
DRAWN = "| fault | before | now | YuNet + MobileFaceNet | pictures without a face, ours / YuNet |"
WHERE = "| | clean | dark:5 | motion:2 | blur:3 | cctv:3 |"
ON_FOOTAGE = "| footage | YuNet's sure faces found | places where YuNet sees nothing | frames |"
NAMED = "| clean | cctv:3 | cctv:4 | dark:5 | motion:3 | blur:3 | lowres:5 | jpeg:5 | haze:4 |"
SHOTS = "| shots | 1 | 2 | 3 | 4 | 6 | 8 | 10 |"
FAIR = "| pairs | false matches / pairs | false match rate, 1e-4 (95 %) |"
BY_STEP = "| step | fault | done | PSNR dB | SSIM | likeness | worst 5 % | TAR | TAR, both |"
FOR_EYES = "| fault | done | PSNR dB | likeness | TAR |"
ENHANCED = "| fault | faces enhanced | accuracy | TAR at FMR 1e-2 |"
SINGLE = (
    "| limits | similarity of a track / of one picture | FPIR promised to a track | "
    "FPIR clean, cctv:3, haze:4, dark:5, lowres:4 | FNIR of the same |"
)

BOTH_KINDS = "| figure | fault or clip | with VNNI, as above | without VNNI |"


def columns(header: str) -> list[str]:
    """The names of a header's columns, without the first where that is empty."""
    names = [cell.strip() for cell in header.strip("|").split("|")]
    return names if names[0] else names[1:]
