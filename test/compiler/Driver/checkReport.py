# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# checkReport.py REPORT.json: a report of tenonc agrees with its schema and with
# itself.

import json
import pathlib
import sys

SCHEMA = pathlib.Path(__file__).parents[3] / "docs" / "report.schema.json"


def check(value, schema, at="$"):
    """The parts of JSON Schema that docs/report.schema.json uses."""
    if "const" in schema:
        assert value == schema["const"], f"{at}: {value}"
    if "enum" in schema:
        assert value in schema["enum"], f"{at}: {value}"
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "boolean": bool,
        "integer": int,
        "number": (int, float),
    }
    if "type" in schema:
        assert isinstance(value, kinds[schema["type"]]), f"{at}: {value!r}"
    if "minimum" in schema:
        assert value >= schema["minimum"], f"{at}: {value}"
    if "maximum" in schema:
        assert value <= schema["maximum"], f"{at}: {value}"
    if isinstance(value, list):
        assert len(value) >= schema.get("minItems", 0), at
        assert len(value) <= schema.get("maxItems", len(value)), at
        for i, item in enumerate(value):
            check(item, schema["items"], f"{at}[{i}]")
    if isinstance(value, dict):
        properties = schema["properties"]
        assert not value.keys() - properties.keys(), f"{at}: {value.keys()}"
        missing = set(schema["required"]) - value.keys()
        assert not missing, f"{at}: {missing}"
        for key, needed in schema.get("dependentRequired", {}).items():
            assert key not in value or set(needed) <= value.keys(), f"{at}.{key}"
        if "oneOf" in schema:
            fitting = [s for s in schema["oneOf"] if set(s["required"]) <= value.keys()]
            assert len(fitting) == 1, at
        for key, item in value.items():
            check(item, properties[key], f"{at}.{key}")


def main():
    report = json.loads(pathlib.Path(sys.argv[1]).read_text())
    check(report, json.loads(SCHEMA.read_text()))
    for target in report["targets"]:
        totals, launches = target["totals"], target["launches"]
        assert len(launches) == totals["launches"] > 0
        for sum_ in ("flops", "bytes"):
            assert abs(sum(l[sum_] for l in launches) - totals[sum_]) <= 1e-6 * (
                totals[sum_] + 1
            )
        cuda = target["target"].startswith("cuda:")
        assert cuda == ("device" in target) == ("seconds" in totals)
        for launch in launches:
            assert launch["nodes"], launch
            assert cuda == ("predicted" in launch)
            if not cuda:
                continue
            predicted = launch["predicted"]
            parts = [predicted[p] for p in ("compute", "dram", "l2", "launch")]
            # Nothing is faster than the roofline.
            assert predicted["seconds"] >= max(parts) > 0, launch
            share = max(parts) / predicted["seconds"]
            assert abs(share - predicted["fractionOfPeak"]) < 1e-6, launch
        if cuda:
            seconds = sum(l["predicted"]["seconds"] for l in launches)
            assert abs(seconds - totals["seconds"]) < 1e-9


if __name__ == "__main__":
    main()
