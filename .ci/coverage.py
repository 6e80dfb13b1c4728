"""Line coverage of src over all test projects: a line counts as covered when any of them runs it."""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

results, required = pathlib.Path(sys.argv[1]), float(sys.argv[2])
lines = {}
for report in results.rglob("*.cobertura.xml"):
    for item in ElementTree.parse(report).iter("class"):
        file = "/" + item.get("filename", "").replace("\\", "/")
        match = re.search(r"/src/(.+)$", file)
        if not match or "/obj/" in file:
            continue
        for line in item.iter("line"):
            key = (match.group(1), int(line.get("number")))
            lines[key] = lines.get(key, False) or int(line.get("hits")) > 0

by_package = {}
for (file, _), hit in lines.items():
    covered, total = by_package.get(file.split("/")[0], (0, 0))
    by_package[file.split("/")[0]] = (covered + hit, total + 1)
for package, (covered, total) in sorted(by_package.items()):
    print(f"{package:24} {100 * covered / total:5.1f} % of {total} lines")
if not lines:
    sys.exit("no coverage was measured")
percent = 100 * sum(lines.values()) / len(lines)
print(f"line coverage of src: {percent:.1f} % (required {required:.0f} %)")
sys.exit(0 if percent >= required else 1)
