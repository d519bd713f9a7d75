"""`edge bench`."""

from __future__ import annotations

from edge.cli.common import ConfigOption, JsonOption, out, print_json, read_config, table


def bench(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Measure this machine: ms per stage, frames per second, memory, provider and precision per model."""
    from edge.app.evaluation import bench as measuring

    figures = measuring.measure_stages(read_config(config))
    if as_json:
        print_json(figures)
        return
    rows = table(None, "stage", "p50 ms", "p95 ms")
    for name, stage in figures["stages"].items():
        rows.add_row(name, f"{stage['p50_ms']:.2f}", f"{stage['p95_ms']:.2f}")
    enhancement = figures["enhancement"]
    chain = enhancement["chain"]
    for name, stage in {**enhancement["steps"], "+".join(chain["steps"]): chain}.items():
        work = f"{name}, one face, one core, which works {stage['core_ms']:.1f} ms"
        rows.add_row(work, f"{stage['p50_ms']:.2f}", f"{stage['p95_ms']:.2f}")
    out.print(rows)
    for one in enhancement["int8_beside_fp32"]:
        times, size = one["ms_ratio"], one["bytes_ratio"]
        out.print(f"{one['model']}: int8 takes {times:.2f} of the time and {size:.2f} of the bytes of {one['beside']}")
    out.print(
        f"{figures['frames_per_s']:.0f} frames/s of {figures['frame']['width']} x {figures['frame']['height']}, "
        f"{figures['frame']['faces']} faces, {figures['threads']} threads; peak memory {figures['memory_mb']:.0f} MB"
    )
    for name, model in figures["models"].items():
        out.print(f"{name}: {model['name']} ({model['precision']}) on {model['provider']}")
